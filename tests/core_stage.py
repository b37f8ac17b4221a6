"""A stage for one core: what it asks for goes into lists, and it restarts from its own records."""

from __future__ import annotations

import random
from typing import TypeVar

from host_bench import EffectsHeard, HostBench, MemoryRows, through_the_journal

from actors.core import Core, Effect, Effects, Log, Stop
from actors.messages.lifecycle import TimerFired
from actors.runtime.host import Host
from actors.settings import Settings

__all__ = ["CoreStage", "through_the_journal"]

T = TypeVar("T")


class _Watch(EffectsHeard):
    def performs(self, host: Host, effect: Effect) -> None:
        assert not isinstance(effect, Stop), f"{host.role} stopped"


class CoreStage:
    """Holds what one core has done, and lets the test decide what happens to it next."""

    def __init__(
        self, core_class: type[Core], role: str, settings: Settings | None = None, now_ms: int = 0
    ) -> None:
        self._core_class = core_class
        self._role = role
        self.now_ms = now_ms
        self.sent: list[tuple[str, object]] = []
        self.commands: list[object] = []
        self._watch = _Watch()
        self._bench = HostBench(
            settings or Settings(),
            lambda: self.now_ms,
            lambda _sender, to, message: self.sent.append((to, message)),
            self._watch,
        )
        self.core = core_class(role, self._bench.settings, random.Random(7))

    @property
    def events(self) -> list[object]:
        """What was recorded."""
        return self._bench.events

    @property
    def logs(self) -> list[Log]:
        """Its lines."""
        return self._bench.logs

    @property
    def timers(self) -> dict[str, int]:
        """When each timer is due."""
        return {key: due_ms for (_, key), due_ms in self._bench.due_ms.items()}

    def start(self, *extra_saved: object) -> Effects:
        """Start the core, or start a new one in its place, from what was recorded."""
        self._bench.end(self._role)
        self._watch.forget()
        host = self._bench.add(
            self._role, self._core_class, random.Random(7), make_port=lambda: self
        )
        journal = host._context.journal
        assert isinstance(journal, MemoryRows)
        journal.extra = extra_saved
        host.start()
        assert host.core is not None
        self.core = host.core
        return list(self._watch.newest)

    def give(self, message: object) -> Effects:
        """Let the core handle a message now, and perform what it asks for."""
        self._watch.forget()
        self._bench.hosts[self._role].hand(message)
        return list(self._watch.newest)

    def perform(self, command: object) -> None:
        """Take a command, as the core's port."""
        self.commands.append(command)

    def close(self) -> None:
        """Let go, as the core's port."""

    def advance(self, until_ms: int) -> None:
        """Let time pass, firing timers at their due times, in order."""
        due_ms = self._bench.due_ms
        while True:
            which = min(due_ms, key=due_ms.__getitem__, default=None)
            if which is None or due_ms[which] > until_ms:
                break
            self.now_ms = max(self.now_ms, due_ms.pop(which))
            self.give(TimerFired(which[1]))
        self.now_ms = until_ms

    def correct_clock(self, by_ms: int) -> None:
        """Set the clock; timers run on as long as they would have."""
        self.now_ms += by_ms
        due_ms = self._bench.due_ms
        due_ms.update({key: due + by_ms for key, due in due_ms.items()})

    def next_due_ms(self) -> int | None:
        """When the next timer is due; None without timers."""
        return min(self.timers.values(), default=None)

    def told(self, role: str, message_type: type[T]) -> list[T]:
        """Messages of a type said to a role so far, in order."""
        return [m for to, m in self.sent if to == role and isinstance(m, message_type)]

    def saved(self, kind: str, *, open_only: bool = True) -> list[object]:
        """Values saved under a kind, oldest change first."""
        return [
            value
            for (row_kind, _), (value, is_open) in self._bench.rows.items()
            if row_kind == kind and (is_open or not open_only)
        ]

    def forget(self) -> None:
        """Drop what was said and done so far, but not what was recorded."""
        self.sent.clear()
        self.commands.clear()
        self.logs.clear()
        self.events.clear()
