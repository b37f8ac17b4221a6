"""Hosts of a test: their mail goes to a list, their rows to a dict, and time is the test's.

Every recorded event and saved value passes through the journal's codec, so a value that the journal
could not hold fails the test that saves it. What a core raises is raised in the test.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from actors.core import Core, Effect, Log, Record
from actors.messages.lifecycle import Hello, Leaving, ServingChanged
from actors.roles import SUPERVISOR
from actors.runtime.codec import decode_as, encode, tag_of
from actors.runtime.host import Host
from actors.runtime.host_context import HostContext, HostWatch, no_port
from actors.runtime.journal_file import JournalError
from actors.runtime.port import HostPort
from actors.settings import Settings

T = TypeVar("T")

_HOSTS_OWN = (Hello, Leaving, ServingChanged)
"""What a host itself says to the supervisor, of whom these tests have none."""


def through_the_journal(value: T) -> T:
    """The value as a restart would find it."""
    found = decode_as(type(value), encode(value))
    assert found == value
    return found


class MemoryRows:
    """One role's hand on rows in memory, by kind and key: each a value, and whether it is open."""

    def __init__(
        self, rows: dict[tuple[str, str], tuple[Any, bool]], events: list[object] | None = None
    ) -> None:
        self._rows = rows
        self._events = events
        self._generation = 0
        self.are_tagged = True
        """Whether all of it must be fit for the journal's file."""
        self.extra: tuple[object, ...] = ()
        """What a start is given besides."""

    def claim(self) -> int:
        self._generation += 1
        return self._generation

    def record(self, record: Record, at_ms: int) -> None:
        del at_ms
        event = through_the_journal(record.event)
        if self._events is not None:
            self._events.append(event)
        for save in record.saves:
            if self.are_tagged:
                assert tag_of(type(save.value))
            self._rows.pop((save.kind, save.key), None)  # the newest change comes last
            self._rows[save.kind, save.key] = (through_the_journal(save.value), save.is_open)

    def load(self, kind: str, key: str | None = None) -> tuple[object, ...]:
        extra, self.extra = self.extra, ()
        return extra + tuple(
            value
            for (row_kind, row_key), (value, is_open) in self._rows.items()
            if row_kind == kind and is_open and key in (None, row_key)
        )

    def recall(self, kind: str, key: str) -> object | None:
        return self._rows.get((kind, key), (None, False))[0]


class DictTimers:
    """One role's timers, as due times in a dict of all roles."""

    def __init__(
        self, role: str, due_ms: dict[tuple[str, str], int], now_ms: Callable[[], int]
    ) -> None:
        self._role = role
        self._due_ms = due_ms
        self._now_ms = now_ms

    def set(self, key: str, delay_ms: int) -> None:
        assert delay_ms >= 0
        self._due_ms[self._role, key] = self._now_ms() + delay_ms

    def cancel(self, key: str) -> None:
        self._due_ms.pop((self._role, key), None)

    def clear(self) -> None:
        for key in [each for each in self._due_ms if each[0] == self._role]:
            del self._due_ms[key]


class BenchClock:
    """Time as the test says."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.now_ms = now_ms
        self.offset_ms = 0


class Falls(HostWatch):
    """Lets a host fall after so many effects of a message, and raises what its core raises."""

    def __init__(self) -> None:
        self.dies_after: int | None = None

    def performs(self, host: Host, effect: Effect) -> None:
        del effect
        if self.dies_after is not None:
            if self.dies_after == 0:
                host.end()
            self.dies_after -= 1

    def raised(self, host: Host, message: object, error: Exception) -> None:
        del host, message
        if not isinstance(error, JournalError):
            raise error


class HostBench:
    """Some hosts, and all that surrounds them."""

    def __init__(
        self,
        settings: Settings,
        now_ms: Callable[[], int],
        deliver: Callable[[str, str, object], None],
        watch: HostWatch | None = None,
    ) -> None:
        """Begin without hosts; ``deliver`` is given each sender, receiver and message."""
        self.settings = settings
        self.clock = BenchClock(now_ms)
        self.hosts: dict[str, Host] = {}
        self.rows: dict[tuple[str, str], tuple[Any, bool]] = {}
        self.events: list[object] = []
        self.logs: list[Log] = []
        self.due_ms: dict[tuple[str, str], int] = {}
        self.are_rows_tagged = True
        self._deliver = deliver
        self.watch = watch or Falls()

    def send(self, sender: Host, to: str, message: object) -> None:
        """Take mail from a host."""
        if to != SUPERVISOR or not isinstance(message, _HOSTS_OWN):
            self._deliver(sender.role, to, message)

    def rows_of(self, role: str) -> Any:
        """A role's hand on the journal; a stage with a real one has another."""
        del role
        rows = MemoryRows(self.rows, self.events)
        rows.are_tagged = self.are_rows_tagged
        return rows

    @property
    def cores(self) -> dict[str, Core]:
        """The cores of those who live."""
        return {role: host.core for role, host in self.hosts.items() if host.core is not None}

    def add(self, role: str, core_class: type[Core], dice: Any, **options: Any) -> Host:
        """Give a role a host that is not started yet."""
        return self._add(role, lambda _: core_class(role, self.settings, dice), **options)

    def add_core(self, core: Core, **options: Any) -> Host:
        """Give a core that was made already a host that is not started yet."""
        return self._add(core.role, lambda _: core, **options)

    def _add(
        self,
        role: str,
        make_core: Callable[[int], Core],
        *,
        make_port: Callable[[], HostPort | None] = no_port,
        stays_without_journal: bool = False,
    ) -> Host:
        host = Host(
            role,
            HostContext(
                make_core=make_core,
                post=self,
                journal=self.rows_of(role),
                timers=DictTimers(role, self.due_ms, self.clock.now_ms),
                clock=self.clock,
                log=lambda level, text: self.logs.append(Log(level, text)),
                make_port=make_port,
                is_live=self.settings.execution.mode == "live",
                stays_without_journal=stays_without_journal,
                watch=self.watch,
            ),
        )
        self.hosts[role] = host
        return host

    def start(self, role: str, core_class: type[Core], seed: int, **options: Any) -> Host:
        """Give a role a host, and start it."""
        host = self.add(role, core_class, random.Random(seed), **options)
        host.start()
        self._clear(role, host)
        return host

    def end(self, role: str) -> None:
        """End a host where it stands."""
        host = self.hosts.pop(role, None)
        if host is not None:
            host.end()

    def hand(self, role: str, message: object, dies_after: int | None = None) -> bool:
        """Let an actor handle a message; False if that was its end, or it was not there.

        With ``dies_after`` it falls after so many effects, or after all if there are fewer.
        """
        host = self.hosts.get(role)
        if host is None:
            return False
        if isinstance(self.watch, Falls):
            self.watch.dies_after = dies_after
        host.hand(message)
        if isinstance(self.watch, Falls):
            self.watch.dies_after = None
        if dies_after is not None and self.hosts.get(role) is host:
            host.end()
        return self._clear(role, host)

    def _clear(self, role: str, host: Host) -> bool:
        if not host.is_running and self.hosts.get(role) is host:
            del self.hosts[role]
        return host.is_running

    def next_due(self) -> tuple[str, str] | None:
        """Role and key of the timer that is due first."""
        return min(self.due_ms, key=lambda each: (self.due_ms[each], each), default=None)


class EffectsHeard(HostWatch):
    """Keeps the effects of the newest message that was handed in from outside."""

    def __init__(self) -> None:
        self.newest: Sequence[Effect] = ()
        self._depth = 0

    def hears(self, host: Host, message: object, now_ms: int) -> None:
        del host, message, now_ms
        self._depth += 1

    def decided(self, host: Host, effects: Sequence[Effect]) -> None:
        del host
        if self._depth == 1:
            self.newest = effects

    def handled(self, host: Host, message: object) -> None:
        del host, message
        self._depth -= 1

    def forget(self) -> None:
        """A message may have ended its host half-way."""
        self.newest, self._depth = (), 0

    def raised(self, host: Host, message: object, error: Exception) -> None:
        del host, message
        raise error
