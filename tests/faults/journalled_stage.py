"""The fault stage with a real journal on a real disk, which fills up or loses its power."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fault_stage import FaultStage
from host_bench import HostBench, MemoryRows
from live_stage import RunningExchange, StageWatch
from torn_journal import crashed_copy

from actors.core import Record
from actors.execution.real.live_order import LiveOrder
from actors.messages.execution import OrderState
from actors.position.ledger import WindowLedger
from actors.runtime.journal import Journal, JournalReader
from actors.runtime.journal_file import JOURNAL_NAME, prepare


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
        self._forget(role)
        super().start(role)

    def kill(self, role: str) -> None:
        super().kill(role)
        self._forget(role)

    def _forget(self, role: str) -> None:
        journal = self._journals.pop(role, None)
        if journal is not None:
            journal.close()

    def _make_bench(self) -> HostBench:
        return _FileBench(self)

    def journal_of(self, role: str) -> Journal:
        """An actor's hand on the file."""
        self._journals[role] = journal = Journal(self._data_dir, role, "full")
        return journal

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

    def _read_rows(self) -> None:
        """Let the tests look at what the file holds, and at nothing else."""
        self.rows.clear()
        reader = JournalReader(self._data_dir)
        for kind in ("order", "live", "position"):
            open_values = reader.states(kind, open_only=True)
            for value in reader.states(kind, open_only=False):
                self.rows[kind, _key(value)] = (value, value in open_values)
        reader.close()

    def after(self, role: str, effect: object) -> None:
        if isinstance(effect, Record):
            MemoryRows(self.rows, self.events).record(effect, self.now_ms)
        super().after(role, effect)

    def _handle(self, role: str, message: object) -> None:
        super()._handle(role, message)
        if role not in self.cores:
            self._forget(role)


class _FileBench(HostBench):
    """Its hosts write to the stage's file."""

    def __init__(self, stage: JournalledStage) -> None:
        super().__init__(
            stage.settings, stage.exchange.clock.now_ms, stage._post, StageWatch(stage)
        )
        self._stage = stage

    def rows_of(self, role: str) -> Journal:
        return self._stage.journal_of(role)


def _key(value: object) -> str:
    match value:
        case OrderState():
            return value.intent.order_id
        case LiveOrder():
            return value.order_id
        case WindowLedger():
            return value.market.market_id
    raise AssertionError(f"{value!r} is no row of order, executor or ledger")
