"""The fault stage with a real journal on a real disk, which fills up or loses its power."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fault_stage import FaultStage
from live_stage import RunningExchange
from test_journal import crashed_copy

from actors.core import Core, Record
from actors.execution.messages import OrderState
from actors.execution.real.live_order import LiveOrder
from actors.messages import JournalFailed
from actors.position.ledger import WindowLedger
from actors.roles import DESK, EXECUTOR, order_id_of
from actors.runtime.journal import Journal, JournalReader
from actors.runtime.journal_file import JOURNAL_NAME, JournalError, prepare


class JournalledStage(FaultStage):
    """What is recorded is in the file, and a start finds what is there, and nothing else."""

    def __init__(self, exchange: RunningExchange, data_dir: Path, **execution: Any) -> None:
        super().__init__(exchange, **execution)
        self._data_dir = data_dir
        self._journals: dict[str, Journal] = {}
        prepare(data_dir)

    @property
    def log_bytes(self) -> int:
        """Size of the journal's write-ahead log."""
        return (self._data_dir / f"{JOURNAL_NAME}-wal").stat().st_size

    def start(self, role: str) -> None:
        if role in self.cores:
            return
        journal = Journal(self._data_dir, role, "full")
        try:
            journal.claim()
        except JournalError:
            journal.close()
            return  # its process falls before it is anyone
        self._journals[role] = journal
        super().start(role)

    def kill(self, role: str) -> None:
        super().kill(role)
        journal = self._journals.pop(role, None)
        if journal is not None:
            journal.close()

    @contextlib.contextmanager
    def full_disk(self) -> Iterator[None]:
        """Let the log grow no more."""
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.log_bytes, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    def lose_power(self, torn_dir: Path, log_bytes: int) -> None:
        """All fall at once; of the log only so many bytes have reached the disk."""
        crashed_copy(self._data_dir, torn_dir, wal_bytes=log_bytes)
        self.fall_all()
        prepare(torn_dir)
        self._data_dir = torn_dir
        self._read_rows()

    def _saved_for(self, core: Core) -> tuple[object, ...]:
        journal = self._journals[core.role]
        order_id = order_id_of(core.role)
        return tuple(value for kind in core.RECOVERS for value in journal.load(kind, order_id))

    def _read_rows(self) -> None:
        """Let the tests look at what the file holds, and at nothing else."""
        self.rows.clear()
        reader = JournalReader(self._data_dir)
        for kind in ("order", "live", "position"):
            open_values = reader.states(kind, open_only=True)
            for value in reader.states(kind, open_only=False):
                self.rows[kind, _key(value)] = (value, value in open_values)
        reader.close()

    def _handle(self, role: str, message: object) -> None:
        """As every shell does: what could not be recorded is not done, and is told."""
        try:
            super()._handle(role, message)
        except JournalError as error:
            failed = JournalFailed(role, str(error))
            for told in {DESK, EXECUTOR} - {role}:
                self.tell(told, failed)
            if role == EXECUTOR:
                super()._handle(role, failed)
            else:
                self.kill(role)

    def _perform(self, role: str, effect: object) -> None:
        if isinstance(effect, Record):
            self._journals[role].record(effect, self.now_ms)
        super()._perform(role, effect)


def _key(value: object) -> str:
    match value:
        case OrderState():
            return value.intent.order_id
        case LiveOrder():
            return value.order_id
        case WindowLedger():
            return value.market.market_id
    raise AssertionError(f"{value!r} is no row of order, executor or ledger")
