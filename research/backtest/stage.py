"""Cores on virtual time without faults: messages arrive at once, and in order.

The hosts are the product's own. There is no supervisor: an order's actor is created when the desk
asks for it, and nothing crashes; an exception in a core ends the backtest. Records are kept in
memory, and only as long as a core can recall them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random

from actors.core import Core, Record
from actors.messages.lifecycle import StartChild, TimerFired
from actors.roles import REPLY, SUPERVISOR
from actors.runtime.host import Host
from actors.runtime.host_context import HostContext, HostWatch, RunningHost
from actors.runtime.port import HostPort
from actors.runtime.scheduler import Scheduler, VirtualTimers

CLOSED_ROWS_KEPT = 64
"""Closed rows of windows that are kept, in case the ledger asks for them again."""

MakeCore = Callable[[str, Random], Core]


class CoreFailed(Exception):
    """A core raised; the text names its role and the exception."""


class Stage:
    """Runs the cores of one account."""

    def __init__(
        self,
        scheduler: Scheduler,
        seed: str,
        make_core: MakeCore,
        outside: Callable[[str, object], None],
    ) -> None:
        """Begin without any core.

        Args:
            scheduler: virtual time.
            seed: for every core's random numbers, together with its role.
            make_core: makes the core of a role.
            outside: receives messages to roles that do not exist here.
        """
        self.scheduler = scheduler
        self.journal = MemoryRows()
        self.handled_count = 0
        """Messages that cores have handled."""
        self.errors: list[str] = []
        """Errors logged by cores."""
        self._seed = seed
        self._make_core = make_core
        self._outside = outside
        self._hosts: dict[str, Host] = {}
        self._mail: deque[tuple[str, str, object]] = deque()
        self._watch = _Watch()
        self._clock = _Clock(scheduler)
        self._is_settling = False

    def start(self, role: str, port: HostPort | None = None) -> None:
        """Start the actor of a role."""
        timers = VirtualTimers(
            self.scheduler, lambda key, number: self._wake(timers, role, key, number)
        )
        host = Host(
            role,
            HostContext(
                make_core=lambda _generation: self._make_core(role, self._dice(role)),
                post=self,
                journal=_Rows(self.journal),
                timers=timers,
                clock=self._clock,
                log=lambda level, text: self._log(role, level, text),
                make_port=lambda: port,
                watch=self._watch,
            ),
        )
        self._hosts[role] = host
        host.start()
        self._settle()

    def tell(self, role: str, message: object) -> None:
        """Deliver a message from outside to an actor, and all messages that follow from it."""
        self._hand(role, "", message)
        self._settle()

    def send(self, sender: RunningHost, to: str, message: object) -> None:
        """Deliver a core's message."""
        if to == REPLY:
            to = sender.reply_to
        if to == SUPERVISOR:
            if isinstance(message, StartChild):
                self._mail.append((to, message.role, message))
        elif to in self._hosts:
            self._mail.append((to, sender.role, message))
        else:
            self._outside(to, message)

    def _settle(self) -> None:
        """Deliver messages between actors until there are none."""
        if self._is_settling:
            return
        self._is_settling = True
        mail = self._mail
        while mail:
            to, about, message = mail.popleft()
            if to == SUPERVISOR:
                if about not in self._hosts:
                    self.start(about)
            else:
                self._hand(to, about, message)
        self._is_settling = False

    def _hand(self, role: str, sender_role: str, message: object) -> None:
        host = self._hosts.get(role)
        if host is None:
            return  # a closed order
        self.handled_count += 1
        host.reply_to = sender_role
        host.hand(message)
        if not host.is_running:
            del self._hosts[role]

    def _wake(self, timers: VirtualTimers, role: str, key: str, number: int) -> None:
        if timers.take(key, number):
            self.tell(role, TimerFired(key))

    def _dice(self, role: str) -> Random:
        return Random(f"{self._seed}/{role}")

    def _log(self, role: str, level: str, text: str) -> None:
        if level == "error":
            self.errors.append(f"{role}: {text}")


class MemoryRows:
    """The journal of a backtest: the newest value of each open row."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], object] = {}
        self._closed: dict[tuple[str, str], object] = {}

    def record(self, record: Record) -> None:
        """Keep the values that a record saves; forget the rows that it closes."""
        for save in record.saves:
            key = (save.kind, save.key)
            if save.is_open:
                self._open[key] = save.value
                continue
            self._open.pop(key, None)
            if save.kind == "position":
                self._closed[key] = save.value
                if len(self._closed) > CLOSED_ROWS_KEPT:
                    del self._closed[next(iter(self._closed))]

    def load(self, kind: str, key: str | None = None) -> tuple[object, ...]:
        """Values of a kind's open rows, or of one key."""
        if key is not None:
            value = self._open.get((kind, key))
            return () if value is None else (value,)
        return tuple(value for (own, _), value in self._open.items() if own == kind)

    def recall(self, kind: str, key: str) -> object | None:
        """The value of one row, open or recently closed."""
        row = (kind, key)
        return self._open.get(row, self._closed.get(row))


class _Rows:
    """One actor's access to the rows; nobody is ever fenced off."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows
        self.load = rows.load
        self.recall = rows.recall

    def claim(self) -> int:
        return 1

    def record(self, record: Record, at_ms: int) -> object:
        del at_ms
        self._rows.record(record)
        return None


class _Clock:
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.offset_ms = 0

    def now_ms(self) -> int:
        return self._scheduler.now_ms


class _Watch(HostWatch):
    """Raises every exception of a core."""

    def raised(self, host: RunningHost, message: object, error: Exception) -> None:
        what = message if isinstance(message, str) else type(message).__name__
        text = f"{host.role} raised on {what}: {type(error).__name__}: {error}"
        raise CoreFailed(text) from error
