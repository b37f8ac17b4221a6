"""How old things are, in real seconds, whatever the speed of venue time."""

from __future__ import annotations

from actors.messages.observer import FeedSeen
from understudy.display.status import Status

_MS_PER_S = 1_000


def age_s(at_ms: int, status: Status) -> float:
    """Real seconds since a moment of venue time."""
    return max(0, status.now_ms - at_ms) / status.speed / _MS_PER_S


def data_age_s(feed: FeedSeen, status: Status) -> float | None:
    """Real seconds since a feed's newest data; None before the first."""
    at_ms = feed.health.data_at_ms if feed.health is not None else None
    return None if at_ms is None else age_s(at_ms, status)
