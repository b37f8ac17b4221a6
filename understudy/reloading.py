"""A running system's settings: those it began with, and whatever it is told to take instead.

Control requests come in on threads of their own. There a configuration is read and checked whole;
the foreground's loop records what differs and tells the actors.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

import attrs
import cattrs

from actors.messages.halts import OPERATOR, PAGE
from actors.messages.settings import AT_START, SettingChange, words_of
from actors.runtime.journal_file import JournalError
from actors.settings import Settings
from actors.strategy.loading import StrategyUnavailable
from understudy.config import ConfigError, load
from understudy.control import Handler, Reply
from understudy.options import ConfigOrigin, RunOptions
from understudy.settings_changes import (
    SettingsRecord,
    differences,
    needs_restart,
    replaced,
    values_of,
)
from understudy.watchers_wanted import watchers_refusal

_PATIENCE_S = 4.0
"""How long the loop may take; less than a control request may."""


@attrs.define
class _Wish:
    """Settings that are to be taken, and what has become of it."""

    settings: Settings
    origin: ConfigOrigin
    who: str
    reason: str
    is_over: threading.Event = attrs.field(factory=threading.Event)
    problem: str = ""


class SettingsControl:
    """Knows the settings of a run as they were given and as they are in force."""

    def __init__(self, options: RunOptions, in_force: Settings, now_ms: int) -> None:
        """Record what differs from the last run's settings.

        Args:
            options: of the run: its settings as they were given, and where they are from.
            in_force: the same as the actors get them.
            now_ms: venue time.

        Raises:
            JournalError: the journal cannot be written.
        """
        self._data_dir = options.data_dir
        self._given, self._origin = options.settings, options.origin
        self._record = SettingsRecord(options.data_dir, in_force.execution.durability)
        self._wishes: deque[_Wish] = deque()
        self.notice = ""
        """What differs from the last run's settings, in a sentence; empty if nothing does."""
        number = self._begin(now_ms)
        self.in_force = attrs.evolve(in_force, number=number)

    def _begin(self, now_ms: int) -> int:
        values, last = values_of(self._given), self._record.last
        if last is not None:
            changes = differences(last.values, values)
            if not changes:
                return last.number
            self.notice = f"the settings differ from the last run's: {words_of(changes)}"
        return self._record.change(values, AT_START, "", now_ms)

    # On the foreground's loop

    def beat(self, now_ms: int) -> Settings | None:
        """Record what was asked for; returns the settings in force, if they are new."""
        changed: Settings | None = None
        while self._wishes:
            wish = self._wishes.popleft()
            try:
                changed = self._take(wish, now_ms) or changed
            except (JournalError, StrategyUnavailable, OSError) as error:
                wish.problem = f"nothing was changed: {error}"
            wish.is_over.set()
        return changed

    def _take(self, wish: _Wish, now_ms: int) -> Settings | None:
        changes = self._changes(wish.settings)
        wish.problem = needs_restart(changes)
        if wish.problem or not changes:
            return None
        number = self.in_force.number + 1
        settings = replaced(self.in_force, wish.settings, number, self._data_dir)
        self._record.change(values_of(wish.settings), wish.who, wish.reason, now_ms)
        self._given, self._origin, self.in_force = wish.settings, wish.origin, settings
        return settings

    def _changes(self, given: Settings) -> tuple[SettingChange, ...]:
        return differences(values_of(self._given), values_of(given))

    # On a control thread

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The control command, by name."""
        return {"reload": self._on_reload}

    def _on_reload(self, request: dict[str, Any]) -> Reply:
        origin = self._origin.with_request(request)
        try:
            given = load(origin.path, origin.assignments, origin.series).settings
        except ConfigError as error:
            return {"error": f"nothing was changed: {error}"}
        changes = self._changes(given)
        problem = needs_restart(changes) or watchers_refusal(given, os.environ)
        if problem:
            return {"error": problem}
        reply: Reply = {
            "changes": cattrs.unstructure(changes),
            "source": origin.words,
            "number": self.in_force.number,
        }
        if request.get("is_check") or not changes:
            return reply
        who = PAGE if request.get("who") == PAGE else OPERATOR
        wish = _Wish(given, origin, who, str(request.get("reason", "")))
        self._wishes.append(wish)
        if not wish.is_over.wait(_PATIENCE_S):
            return {"error": f"the run has not taken them for {_PATIENCE_S:g} s; ask again"}
        return (
            {"error": wish.problem} if wish.problem else {**reply, "number": self.in_force.number}
        )
