"""A running system's settings: the initial ones, and those that replace them.

Control requests arrive on threads of their own. There a configuration is read and fully checked;
the foreground's loop records the differences and tells the actors.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import cattrs

from actors.messages.halts import OPERATOR, PAGE
from actors.messages.settings import AT_START, SettingChange, words_of
from actors.runtime.journal_file import JournalError
from actors.settings import SeriesPlan, Settings
from actors.strategy.loading import StrategyUnavailable
from understudy.control import Handler, Reply
from understudy.running.watchers_wanted import watchers_refusal
from understudy.settings.changes import (
    SettingsRecord,
    differences,
    moves_a_strategy,
    needs_restart,
    replaced,
    values_of,
)
from understudy.settings.config import ConfigError, load
from understudy.settings.options import ConfigOrigin, RunOptions

_PATIENCE_S = 4.0
"""How long the loop may take; less than a control request's limit."""
_ENDING_LEAST_S = 10.0
"""By then, a window opened before its directory heard that the series ends has been recorded."""
_NAMES_ONE = ("series.asset=", "series.window_minutes=")
"""Assignments that name the only series of a run."""


@attrs.define
class _Request:
    """Settings that were requested, and the outcome."""

    settings: Settings
    origin: ConfigOrigin
    who: str
    reason: str
    are_series: bool = False
    """Whether only the series differ: they can change in ways that others cannot."""
    is_over: threading.Event = attrs.field(factory=threading.Event)
    problem: str = ""


class SettingsControl:
    """A run's settings, as given and as in force."""

    def __init__(self, options: RunOptions, in_force: Settings, now_ms: int) -> None:
        """Record how the settings differ from the last run's.

        Args:
            options: of the run, with its settings as given, and their origin.
            in_force: the settings that the actors get.
            now_ms: venue time.

        Raises:
            JournalError: the journal cannot be written.
        """
        self._data_dir = options.data_dir
        self._given, self._origin = options.settings, options.origin
        self._record = SettingsRecord(options.data_dir, in_force.execution.durability)
        self._wishes: deque[_Request] = deque()
        self._changed_at_s = time.monotonic()
        self.notice = ""
        """How the settings differ from the last run's, in a sentence; empty if they do not."""
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
        """Record what was requested; return the settings in force, if they are new."""
        changed: Settings | None = None
        self._wishes += self._ended()
        while self._wishes:
            wish = self._wishes.popleft()
            try:
                changed = self._take(wish, now_ms) or changed
            except (JournalError, StrategyUnavailable, OSError) as error:
                wish.problem = f"nothing was changed: {error}"
            wish.is_over.set()
        return changed

    def _ended(self) -> list[_Request]:
        """Request the remaining series once the last window of a dropped one has settled."""
        ending = self._ending()
        if not ending or time.monotonic() - self._changed_at_s < _ENDING_LEAST_S:
            return []
        try:
            ended = ending - self._record.unsettled_series()
        except JournalError:
            return []  # another part reports the unreadable journal; nothing counts as settled
        if not ended:
            return []
        left = [plan for plan in self._given.plans if plan.series.name not in ended]
        return [self._wish_for_series(left, OPERATOR, "the last window has settled")]

    def _wish_for_series(self, plans: Sequence[SeriesPlan], who: str, reason: str) -> _Request:
        names = tuple(plan.series.name for plan in plans)
        origin = attrs.evolve(self._origin, series=names, assignments=self._of_all_series())
        return _Request(self._given.trading(plans), origin, who, reason, are_series=True)

    def _ending(self) -> set[str]:
        """Names of dropped series whose last window is still traded."""
        return {plan.series.name for plan in self._given.plans if plan.is_ending}

    def _of_all_series(self) -> tuple[str, ...]:
        """The run's assignments without those that name its only series."""
        given = self._origin.assignments
        return tuple(each for each in given if not each.startswith(_NAMES_ONE))

    def _take(self, wish: _Request, now_ms: int) -> Settings | None:
        changes = self._changes(wish.settings)
        wish.problem = "" if wish.are_series else self._refusal(wish.settings, changes)
        if wish.problem or not changes:
            return None
        number = self.in_force.number + 1
        settings = replaced(self.in_force, wish.settings, number, self._data_dir)
        self._record.change(values_of(wish.settings), wish.who, wish.reason, now_ms)
        self._given, self._origin, self.in_force = wish.settings, wish.origin, settings
        self._changed_at_s = time.monotonic()
        return settings

    def _refusal(self, given: Settings, changes: Sequence[SettingChange]) -> str:
        return needs_restart(changes) or moves_a_strategy(self._given, given)

    def _changes(self, given: Settings) -> tuple[SettingChange, ...]:
        return differences(values_of(self._given), values_of(given))

    # On a control thread

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The control commands, by name."""
        return {"reload": self._on_reload, "series": self._on_series}

    def _on_reload(self, request: dict[str, Any]) -> Reply:
        origin = self._origin.with_request(request)
        try:
            given = load(origin.path, origin.assignments, origin.series).settings
        except ConfigError as error:
            return {"error": f"nothing was changed: {error}"}
        if self._given.traded:
            ending = self._ending()
            given = given.trading(
                [attrs.evolve(plan, is_ending=plan.series.name in ending) for plan in given.plans]
            )
        changes = self._changes(given)
        problem = self._refusal(given, changes) or watchers_refusal(given, os.environ)
        if problem:
            return {"error": problem}
        reply: Reply = {
            "changes": cattrs.unstructure(changes),
            "source": origin.words,
            "number": self.in_force.number,
        }
        if request.get("is_check") or not changes:
            return reply
        return self._answer(_Request(given, origin, *_who_and_why(request)), reply)

    def _answer(self, wish: _Request, reply: Reply) -> Reply:
        self._wishes.append(wish)
        if not wish.is_over.wait(_PATIENCE_S):
            return {"error": f"the run has not taken them for {_PATIENCE_S:g} s; ask again"}
        return (
            {"error": wish.problem} if wish.problem else {**reply, "number": self.in_force.number}
        )

    def _on_series(self, request: dict[str, Any]) -> Reply:
        """Add a series, drop one, or list them."""
        what, name = request.get("what"), str(request.get("name", ""))
        reply: Reply = {}
        if what in ("add", "drop"):
            try:
                plans = self._with(name) if what == "add" else self._without(name)
            except ConfigError as error:
                return {"error": str(error)}
            reply = self._answer(self._wish_for_series(plans, *_who_and_why(request)), {})
        ending = {plan.series.name: plan.is_ending for plan in self._given.plans}
        return {**reply, "series": [{"name": n, "is_ending": e} for n, e in ending.items()]}

    def _with(self, name: str) -> list[SeriesPlan]:
        """The series with one more, as configured.

        Raises:
            ConfigError: there is no such series, it is already traded, or its settings are
                wrong.
        """
        plans = self._given.plans
        known = next((plan for plan in plans if plan.series.name == name), None)
        if known is not None and not known.is_ending:
            raise ConfigError(f"{name} is already traded")
        if known is not None:
            known = attrs.evolve(known, is_ending=False)
            return [known if plan.series.name == name else plan for plan in plans]
        names = [*self._given.names, name]
        loaded = load(self._origin.path, self._of_all_series(), names).settings
        return [*plans, loaded.plan(name)]

    def _without(self, name: str) -> list[SeriesPlan]:
        """The series with one that ends with its window.

        Raises:
            ConfigError: it is not traded, or no other one would be left.
        """
        plans = self._given.plans
        if name not in self._given.names:
            raise ConfigError(f"{name} is not traded here: {', '.join(self._given.names)} is")
        if all(plan.is_ending or plan.series.name == name for plan in plans):
            raise ConfigError(f"{name} is the only series left: end the run instead")
        return [
            attrs.evolve(plan, is_ending=plan.is_ending or plan.series.name == name)
            for plan in plans
        ]


def _who_and_why(request: Mapping[str, Any]) -> tuple[str, str]:
    who = PAGE if request.get("who") == PAGE else OPERATOR
    return who, str(request.get("reason", ""))
