"""A stage for one core: performs effects into lists, and restarts the core from its own records.

Every saved value and recorded event passes through the journal's codec, so a value that the
journal could not hold fails the test that saves it.
"""

from __future__ import annotations

import random
from typing import TypeVar

from actors.core import (
    CancelTimer,
    Command,
    Core,
    Effects,
    Log,
    Recall,
    Record,
    Send,
    SetTimer,
    Stop,
)
from actors.messages import Recalled, Started, TimerFired
from actors.runtime.codec import decode_as, encode, tag_of
from actors.settings import Settings

T = TypeVar("T")


def through_the_journal(value: object) -> object:
    """The value as a restart would find it."""
    found = decode_as(type(value), encode(value))
    assert found == value
    return found


class CoreStage:
    """Holds what one core has done, and lets the test decide what happens to it next."""

    def __init__(
        self, core_class: type[Core], role: str, settings: Settings | None = None, now_ms: int = 0
    ) -> None:
        self._core_class = core_class
        self._role = role
        self._settings = settings or Settings()
        self.now_ms = now_ms
        self._rows: dict[tuple[str, str], tuple[object, bool]] = {}
        self.events: list[object] = []
        self.sent: list[tuple[str, object]] = []
        self.commands: list[object] = []
        self.logs: list[Log] = []
        self.timers: dict[str, int] = {}
        self.core = self._new_core()

    def _new_core(self) -> Core:
        return self._core_class(self._role, self._settings, random.Random(7))

    def start(self, *extra_saved: object) -> Effects:
        """Start the core, or start a new one in its place, from what was recorded."""
        self.timers.clear()
        self.core = self._new_core()
        saved = [
            value
            for kind in self._core_class.RECOVERS
            for (row_kind, _), (value, is_open) in self._rows.items()
            if row_kind == kind and is_open
        ]
        return self.give(Started((*extra_saved, *saved)))

    def give(self, message: object) -> Effects:
        """Let the core handle a message now, and perform what it asks for."""
        effects = self.core.handle(message, self.now_ms)
        for effect in effects:
            self._perform(effect)
        return effects

    def _perform(self, effect: object) -> None:
        match effect:
            case Send(to, message):
                self.sent.append((to, message))
            case Record(event, saves):
                self.events.append(through_the_journal(event))
                for save in saves:
                    assert tag_of(type(save.value))
                    value = through_the_journal(save.value)
                    self._rows.pop((save.kind, save.key), None)
                    self._rows[save.kind, save.key] = (value, save.is_open)
            case Recall(kind, key, about):
                value, _ = self._rows.get((kind, key), (None, False))
                self.give(Recalled(kind, key, value, about))
            case SetTimer(key, delay_ms):
                assert delay_ms >= 0
                self.timers[key] = self.now_ms + delay_ms
            case CancelTimer(key):
                self.timers.pop(key, None)
            case Command(command):
                self.commands.append(command)
            case Log():
                self.logs.append(effect)
            case Stop():
                raise AssertionError(f"{self._role} stopped: {effect.reason}")

    def advance(self, until_ms: int) -> None:
        """Let time pass, firing timers at their due times, in order."""
        while True:
            key = min(self.timers, key=self.timers.__getitem__, default=None)
            if key is None or self.timers[key] > until_ms:
                break
            self.now_ms = max(self.now_ms, self.timers.pop(key))
            self.give(TimerFired(key))
        self.now_ms = until_ms

    def correct_clock(self, by_ms: int) -> None:
        """Set the clock; timers run on as long as they would have."""
        self.now_ms += by_ms
        self.timers = {key: due_ms + by_ms for key, due_ms in self.timers.items()}

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
            for (row_kind, _), (value, is_open) in self._rows.items()
            if row_kind == kind and (is_open or not open_only)
        ]

    def forget(self) -> None:
        """Drop what was said and done so far, but not what was recorded."""
        self.sent.clear()
        self.commands.clear()
        self.logs.clear()
        self.events.clear()
