"""Watches a system from outside, and waits for what a test is about, with a limit."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from actors.execution.order_state import is_booked
from actors.messages.execution import OrderState
from actors.runtime.journal import JournalReader
from actors.runtime.log import LOG_NAME
from audit.books import Books
from audit.verdict import AuditVerdict, judge
from understudy.drill.processes import wait_for
from understudy.drill.recovery import in_flight, open_orders, unserved
from understudy.drill.system import STDOUT_NAME, DrilledSystem, Seen
from understudy.drill.witness import Witness

LIMIT_S = 60.0
"""For any one condition; far beyond what it takes, for machines that are busy otherwise."""

LOOK_EVERY_S = 0.05
"""A look costs the test, the run and the exchange some milliseconds each."""

RATE = 5.0
"""Frames a second of venue time, a tenth of what a drill's exchange sends: how many there are costs
every process time, and proves nothing here. The drills and the demo have them all."""

PATIENT = "supervision.heartbeat_limit_ms=30000"
"""Where falls are counted: on a machine that is busy otherwise, who waits for a processor must not
count as hung."""

Found = TypeVar("Found")


def understudy(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, within the test's own limit."""
    return subprocess.run(
        [sys.executable, "-m", "understudy", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


class Onlooker:
    """What a test asks about one system."""

    def __init__(self, system: DrilledSystem) -> None:
        self.system = system
        self._reader: JournalReader | None = None

    @property
    def reader(self) -> JournalReader:
        """The system's journal; it exists once the system answers."""
        if self._reader is None:
            self._reader = JournalReader(self.system.data_dir)
        return self._reader

    def until(self, what: str, look: Callable[[], Found | None]) -> Found:
        """Wait until a look finds something."""
        found = wait_for(look, LIMIT_S, LOOK_EVERY_S)
        assert found, f"in vain for {LIMIT_S:g} s: {what}; {self.system.last_words()}"
        return found

    def until_whole(self) -> Seen:
        """Wait until every role is served, and each order that was open has its actor or closed."""
        self.until("the system answers", self.system.look)
        orders = open_orders(self.reader)

        def whole() -> Seen | None:
            seen = self.system.look()
            left = orders & open_orders(self.reader)
            if seen is None or unserved(seen, left):
                return None
            told = {seen.supervisor_pid, *(child.pid for child in seen.children)}
            return seen if told <= self.system.pids() else None  # it may be older than a kill

        return self.until("every role is served", whole)

    def until_an_order_lives(self) -> frozenset[str]:
        """Wait until there are orders that have not ended; returns their ids."""
        return self.until("an order lives", lambda: in_flight(self.reader))

    def until_ended(self, order_ids: frozenset[str]) -> None:
        """Wait until these orders have ended, every fill of them booked."""
        self.until(f"{sorted(order_ids)} end", lambda: not order_ids & in_flight(self.reader))

    def orders(self) -> dict[str, OrderState]:
        """Every order ever created, as it stands."""
        values = self.reader.states("order", open_only=False)
        return {order.intent.order_id: order for order in values if isinstance(order, OrderState)}

    def unfinished(self) -> list[str]:
        """Ids of the orders that have not ended with every fill booked."""
        return [
            order_id
            for order_id, order in self.orders().items()
            if not (order.is_terminal and is_booked(order))
        ]

    def verdict_on(self, books: Books, witness: Witness) -> AuditVerdict:
        """What in the journal cannot be, by itself or beside the exchange's results; at the end."""
        verdict = AuditVerdict()
        for window in books.windows:
            witness.ask(window.market.slug)
        judge(books, witness.outcomes, verdict)
        return verdict

    def summary(self) -> dict[str, Any]:
        """What the run printed at its end."""
        summary: dict[str, Any] = json.loads((self.system.data_dir / STDOUT_NAME).read_text())
        return summary

    def companion_pid(self, name: str) -> int | None:
        """Process id of a watcher beside the run, by its command; None while there is none."""
        for pid in self.system.pids():
            with contextlib.suppress(OSError):  # it may be gone by now
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
                if words[3:6] == ["-m", "understudy", name]:
                    return pid
        return None

    def log_lines(self, role: str) -> list[str]:
        """What a role has logged, without time and level."""
        lines = (self.system.data_dir / LOG_NAME).read_text().splitlines()
        columns = [line.split(maxsplit=3) for line in lines]
        return [text for _time, _level, who, text in columns if who == role]
