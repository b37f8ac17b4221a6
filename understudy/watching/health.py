"""Whether a system serves, for probes: one word, with the reasons."""

from __future__ import annotations

import enum

import attrs

from actors.messages.halts import halt_words
from actors.messages.observer import FeedSeen, View
from actors.roles import order_id_of
from actors.supervision.messages import ChildrenReport, ChildState
from understudy.display.status import Status
from understudy.watching.observation import Observation

_MB = 1_000_000
FREE_MB_FAIL = 100
"""The journal and its write-ahead file may grow by a good part of it within minutes."""
FREE_MB_WARN = 1_000


class HealthState(enum.Enum):
    """Health of a system."""

    SERVING = "serving"
    """Every part of it works."""
    DEGRADED = "degraded"
    """It runs, but something prevents trading or soon may."""
    DOWN = "down"
    """It does not run, or does not answer."""


@attrs.frozen(kw_only=True)
class Health:
    """A state, and one sentence for each reason that it is not better."""

    state: HealthState
    reasons: tuple[str, ...] = ()


def health_of(seen: Observation) -> Health:
    """Judge an observation."""
    if seen.status is None:
        return Health(state=HealthState.DOWN, reasons=(why_down(seen),))
    status = seen.status
    reasons = [*_of_feeds(status.view), *_of_actors(status.report, status.view)]
    if status.report is not None and status.report.escalation:
        reasons.insert(0, f"it is ending: {status.report.escalation}")
    halts = status.halts or seen.halts
    if halts:
        reasons.append(f"trading is halted: {halt_words(halts)}")
    if seen.journal_trouble:
        reasons.append(seen.journal_trouble)
    free_mb = seen.disk_free_bytes // _MB
    if free_mb < FREE_MB_WARN:
        reasons.append(f"the disk has {free_mb:,} MB free")
    state = HealthState.DEGRADED if reasons else HealthState.SERVING
    return Health(state=state, reasons=tuple(reasons))


def why_down(seen: Observation) -> str:
    """Say in one sentence why a system gives no status."""
    run = seen.last_run
    if seen.is_running and (run is None or run.ended_at_ms is None):
        return seen.trouble
    if run is None:
        return "nothing has run here yet"
    if run.ended_at_ms is None:
        return "the newest run is gone without a word: killed, or the machine failed"
    code = "" if not run.exit_code else f" (exit code {run.exit_code})"
    return f"the newest run has ended: {run.reason}{code}"


def _of_actors(report: ChildrenReport | None, view: View | None) -> list[str]:
    """Permanent actors that do not serve, except down feeds, which the view explains."""
    if report is None:
        return ["the supervisor has not answered yet"]
    told = {feed.feed for feed in view.feeds if not feed.is_up} if view is not None else set()
    return [
        f"{child.role} is {child.state.value}"
        for child in report.children
        if is_permanent(child.role)
        and child.state is not ChildState.SERVING
        and child.role not in told
    ]


def is_permanent(role: str) -> bool:
    """Whether a role is always filled; an order's is not."""
    return order_id_of(role) is None


def _of_feeds(view: View | None) -> list[str]:
    if view is None:
        return ["the observer has not answered yet"]
    return [
        f"{feed.feed} is down: {feed.trouble or 'no reason known'}"
        for feed in view.feeds
        if not feed.is_up
    ]


def age_s(at_ms: int, status: Status) -> float:
    """Real seconds since a moment of venue time."""
    return max(0, status.now_ms - at_ms) / status.speed / 1_000


def data_age_s(feed: FeedSeen, status: Status) -> float | None:
    """Real seconds since a feed's newest data; None before the first."""
    at_ms = feed.health.data_at_ms if feed.health is not None else None
    return None if at_ms is None else age_s(at_ms, status)
