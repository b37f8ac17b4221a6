"""Decides which alerts are sent, and when: a pure core, fed with observations.

A condition that lasts is reported once, and again each ``repeat_minutes``; its end is reported too.
One that comes and goes is reported the first time and then at most every ten minutes, with the
number of times it occurred.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from actors.messages.position import WindowSettled
from actors.units import dollars_text
from actors.watcher_settings import AlertSettings
from understudy.alerting.conditions import END, conditions_of, has_ended
from understudy.alerting.notices import Condition, Notice
from understudy.display.status import Status
from understudy.display.wording import span_label, won_label
from understudy.watching.observation import Observation

QUIET_MS = 600_000
"""Least time between alerts of a condition that comes and goes."""
FORGOTTEN_MS = 86_400_000
SETTLED_KEPT = 64
_MINUTE_MS = 60_000


@attrs.frozen(kw_only=True)
class Spell:
    """One condition as it is remembered."""

    condition: Condition
    since_ms: int
    """When it began, or began the last time."""
    ended_ms: int | None = None
    """When it ended; None while it lasts."""
    is_counted: bool = False
    """Whether it has lasted long enough, this time, to be reported or counted."""
    is_told: bool = False
    """Whether it was reported this time."""
    told_ms: int | None = None
    """When it was last reported, this time or earlier."""
    untold_count: int = 0
    """How often it has occurred since then without being reported."""


@attrs.frozen(kw_only=True)
class AlertMemory:
    """What must survive a restart, so that nothing is reported twice or forgotten."""

    spells: Mapping[str, Spell] = attrs.field(factory=dict)
    run_began_ms: int | None = None
    falls_told: Mapping[str, int] = attrs.field(factory=dict)
    """By role, in the present run."""
    settled_told: tuple[str, ...] | None = None
    """Markets whose results were reported; None before the first observation."""
    settings: AlertSettings = attrs.field(factory=AlertSettings)
    """The settings of the newest run that answered."""


class AlertCore:
    """Turns observations into notices."""

    def __init__(self, memory: AlertMemory | None = None) -> None:
        self._is_first = memory is None
        self.memory = memory or AlertMemory()

    def look(self, seen: Observation) -> list[Notice]:
        """Process an observation; return the notices to send."""
        if seen.status is not None:
            self._remember(settings=seen.status.settings.alerts)
        settings, now_ms = self.memory.settings, seen.at_ms
        current = conditions_of(seen, settings)
        spells: dict[str, Spell] = {}
        notices: list[Notice] = []
        for key in dict.fromkeys([*self.memory.spells, *current]):
            before, condition = self.memory.spells.get(key), current.get(key)
            if before is not None and before.condition.kind not in settings.on:
                continue
            if condition is None and before is not None and _is_unknown(before, seen):
                if not has_ended(seen):  # an end includes everything that was the case until then
                    spells[key] = before
                continue
            after, told = _step(before, condition, now_ms, settings)
            if not (self._is_first and key == END):  # it did not end while anyone watched
                notices += told
            if after is not None:
                spells[key] = after
        self._remember(spells=spells)
        if seen.status is not None:
            notices += self._falls(seen.status, seen, settings)
        notices += self._results(seen, settings)
        self._is_first = False
        return notices

    def _remember(self, **changes: object) -> None:
        self.memory = attrs.evolve(self.memory, **changes)  # type: ignore[arg-type] # any field

    def _falls(self, status: Status, seen: Observation, settings: AlertSettings) -> list[Notice]:
        began_ms = seen.last_run.began_at_ms if seen.last_run is not None else None
        told = dict(self.memory.falls_told) if began_ms == self.memory.run_began_ms else {}
        notices = []
        for role, count in sorted(status.restarts.items()):
            fresh = count - told.get(role, 0)
            if fresh >= settings.falls_count:
                text = f"{role} crashed {fresh} times, {count} since the run began"
                notices.append(Notice(kind="falls", text=text, at_ms=seen.at_ms))
                told[role] = count
        self._remember(falls_told=told, run_began_ms=began_ms)
        return notices if "falls" in settings.on else []

    def _results(self, seen: Observation, settings: AlertSettings) -> list[Notice]:
        """Report windows' results: those in view, and a run's last one from the journal."""
        view = seen.status.view if seen.status is not None else None
        shown = view.settled if view is not None else ()
        told = self.memory.settled_told
        texts = {each.market_id: _result(each) for each in seen.settled}
        texts |= {
            each.market_id: f"{_result(each)}, in all ${dollars_text(each.total_pnl_nanos)}"
            for each in shown
        }
        if told is None and view is None:
            return []
        known = dict.fromkeys([*(told or ()), *texts])
        self._remember(settled_told=tuple(known)[-SETTLED_KEPT:])
        if told is None or "window" not in settings.on:
            return []
        fresh = [text for market_id, text in texts.items() if market_id not in told]
        return [Notice(kind="window", text=text, at_ms=seen.at_ms) for text in fresh]


def _result(window: WindowSettled) -> str:
    won = won_label(window.winner)
    return f"{window.slug}: {won}, P&L ${dollars_text(window.pnl_nanos)}"


def _is_unknown(spell: Spell, seen: Observation) -> bool:
    """Whether the observation cannot tell if the condition still holds."""
    has_view = seen.status is not None and seen.status.view is not None
    return spell.condition.is_of_status and not has_view


def _step(
    before: Spell | None, condition: Condition | None, now_ms: int, settings: AlertSettings
) -> tuple[Spell | None, list[Notice]]:
    if condition is None:
        return _absent(before, now_ms) if before is not None else (None, [])
    if before is None:
        before = Spell(condition=condition, since_ms=now_ms)
    elif before.ended_ms is not None:
        before = attrs.evolve(
            before, since_ms=now_ms, ended_ms=None, is_counted=False, is_told=False
        )
    return _present(attrs.evolve(before, condition=condition), now_ms, settings)


def _present(spell: Spell, now_ms: int, settings: AlertSettings) -> tuple[Spell, list[Notice]]:
    condition, lasted_ms = spell.condition, now_ms - spell.since_ms
    if spell.is_told:
        told_ms = spell.told_ms if spell.told_ms is not None else now_ms
        is_due = now_ms - told_ms >= settings.repeat_minutes * _MINUTE_MS
        if not (condition.repeats and is_due):
            return spell, []
        text = f"still, for {span_label(lasted_ms)}: {condition.text}"
        return attrs.evolve(spell, told_ms=now_ms), [_notice(condition, text, now_ms)]
    if lasted_ms < condition.after_s * 1_000:
        return spell, []
    if not spell.is_counted:
        spell = attrs.evolve(spell, is_counted=True, untold_count=spell.untold_count + 1)
    if not _may_be_told(spell, now_ms):
        return spell, []
    text = f"{condition.text}{_times(spell)}"
    told = attrs.evolve(spell, is_told=True, told_ms=now_ms, untold_count=0)
    return told, [_notice(condition, text, now_ms)]


def _absent(spell: Spell, now_ms: int) -> tuple[Spell | None, list[Notice]]:
    condition = spell.condition
    if spell.ended_ms is None:
        lasted = span_label(now_ms - spell.since_ms)
        over = f"{condition.over or f'over: {condition.text}'} (after {lasted})"
        notices = [_notice(condition, over, now_ms)] if spell.is_told else []
        return attrs.evolve(spell, ended_ms=now_ms, is_told=False), notices
    if spell.untold_count and _may_be_told(spell, now_ms):
        text = f"{condition.text}{_times(spell)}, over now"
        return attrs.evolve(spell, told_ms=now_ms, untold_count=0), [
            _notice(condition, text, now_ms)
        ]
    is_forgotten = not spell.untold_count and now_ms - spell.ended_ms > FORGOTTEN_MS
    return (None if is_forgotten else spell), []


def _may_be_told(spell: Spell, now_ms: int) -> bool:
    return spell.told_ms is None or now_ms - spell.told_ms >= QUIET_MS


def _times(spell: Spell) -> str:
    return f" ({spell.untold_count} times)" if spell.untold_count > 1 else ""


def _notice(condition: Condition, text: str, now_ms: int) -> Notice:
    return Notice(kind=condition.kind, text=text, at_ms=now_ms)
