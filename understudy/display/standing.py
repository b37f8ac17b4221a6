"""Why nothing is being traded, in one sentence; pure."""

from __future__ import annotations

import attrs

from actors.messages.halts import halt_words
from actors.messages.observer import View
from actors.messages.strategy import Evaluated
from actors.roles import STRATEGY
from actors.strategy.stages.bootstrap import SOMETHING_IS_HELD
from actors.supervision.messages import ChildState
from understudy.display.status import Status


@attrs.frozen(kw_only=True)
class Standing:
    """What the system is doing, and why."""

    verb: str
    """Such as "waits" or "halted"."""
    why: str
    is_trouble: bool = False
    """Whether a person has to act, or the system has to recover first."""
    evaluated: Evaluated | None = None
    """The evaluation that is the reason, if one is."""


def standing_of(status: Status) -> Standing:
    """Judge a status; a reason that needs a person comes first."""
    view, report = status.view, status.report
    if report is not None and report.escalation:
        return Standing(verb="is ending", why=report.escalation, is_trouble=True)
    if status.halts:
        why = f"{halt_words(status.halts)}; understudy resume lifts it"
        return Standing(verb="halted", why=why, is_trouble=True)
    if view is None:
        return Standing(verb="starts", why="the observer has not answered yet")
    return _of_the_window(status, view)


def _of_the_window(status: Status, view: View) -> Standing:
    opened = view.opened
    if opened is None:
        down = network_troubles(view)
        why = "; ".join([*down, "no window is known yet"])
        return Standing(verb="waits", why=why, is_trouble=bool(down))
    market = opened.market
    missed = [each.reason for each in view.not_traded if each.slug == market.slug]
    if missed:
        return Standing(verb="waits", why=f"this window is not traded: {missed[-1]}")
    if view.is_closed or status.now_ms >= market.closes_at_ms:
        return Standing(verb="waits", why="for the window's result")
    if status.now_ms < market.opens_at_ms:
        return Standing(verb="waits", why="for the window to open")
    strategy = status.settings.role(STRATEGY, status.settings.series.name)
    idle = _strategy_trouble(status, strategy)
    if idle:
        return Standing(verb="waits", why=idle, is_trouble=True)
    if view.evaluated is None:
        return Standing(verb="waits", why="nothing has been evaluated in this window yet")
    verb = "trades" if view.live_orders or view.evaluated.signals_count else "waits"
    return Standing(verb=verb, why=main_reason(view.evaluated), evaluated=view.evaluated)


def network_troubles(view: View) -> list[str]:
    """Why nothing arrives from the venue; what prevents finding windows comes first."""
    down = [f"{feed.feed}: {feed.trouble}" for feed in view.feeds if feed.trouble]
    return [view.unreachable, *down] if view.unreachable else down


def _strategy_trouble(status: Status, role: str) -> str:
    """Why the strategy evaluates nothing; empty while it does."""
    for child in status.children:
        if child.role == role and child.state is ChildState.WAITING:
            return "the strategy has not received books, position and open orders yet"
        if child.role == role and child.state is not ChildState.SERVING:
            return f"the strategy is {child.state.value}"
    return ""


def main_reason(evaluated: Evaluated) -> str:
    """The stage's reason that matters to a person."""
    if evaluated.signals_count:
        return "it has just asked for an order"
    reasons = dict(each.partition(": ")[::2] for each in evaluated.passed_over)
    if evaluated.is_final or "oracle" in reasons:
        return list(reasons.values())[-1]
    bootstrap = reasons.get("bootstrap", "")
    if bootstrap and bootstrap != SOMETHING_IS_HELD:
        return bootstrap
    inventory = [reasons[name] for name in ("hedging", "averaging down") if name in reasons]
    return "; ".join(inventory) or "no stage has anything to do"
