"""What becomes of a trade on the chain: usually it is mined and confirmed, now and then it fails.

The steps are drawn from the exchange's seed and the trade's id when it is matched.
"""

from __future__ import annotations

import enum
from random import Random

import attrs


class TradeStatus(enum.Enum):
    """Where a trade stands, in the venue's words."""

    MATCHED = "MATCHED"
    MINED = "MINED"
    CONFIRMED = "CONFIRMED"
    """For ever, but for a trade that fails late."""
    RETRYING = "RETRYING"
    FAILED = "FAILED"
    """For ever: the shares never arrive, or go again."""


FINAL_STATUSES = frozenset({TradeStatus.CONFIRMED, TradeStatus.FAILED})

_MINED_AFTER_MS = (1_000, 4_000)
_CONFIRMED_AFTER_MS = (2_000, 6_000)
_TROUBLED_AFTER_MS = (1_000, 3_000)
_FAILED_AFTER_MS = (2_000, 6_000)
_FAILED_LATE_AFTER_MS = (1_000, 20_000)


class Fate(enum.Enum):
    """How a trade settles."""

    SOUND = "sound"
    RETRIED = "retried"
    FAILED = "failed"
    FAILED_LATE = "failed_late"
    """After it was confirmed."""

    @property
    def is_failure(self) -> bool:
        """Whether money and shares go back in the end."""
        return self in (Fate.FAILED, Fate.FAILED_LATE)


_COURSES = {
    Fate.SOUND: (
        (TradeStatus.MINED, _MINED_AFTER_MS),
        (TradeStatus.CONFIRMED, _CONFIRMED_AFTER_MS),
    ),
    Fate.RETRIED: (
        (TradeStatus.RETRYING, _TROUBLED_AFTER_MS),
        (TradeStatus.MINED, _MINED_AFTER_MS),
        (TradeStatus.CONFIRMED, _CONFIRMED_AFTER_MS),
    ),
    Fate.FAILED: (
        (TradeStatus.RETRYING, _TROUBLED_AFTER_MS),
        (TradeStatus.FAILED, _FAILED_AFTER_MS),
    ),
    Fate.FAILED_LATE: (
        (TradeStatus.MINED, _MINED_AFTER_MS),
        (TradeStatus.CONFIRMED, _CONFIRMED_AFTER_MS),
        (TradeStatus.FAILED, _FAILED_LATE_AFTER_MS),
    ),
}


@attrs.frozen
class SettlementStep:
    """A trade's next status, and when it takes it."""

    status: TradeStatus
    at_ms: int


def settlement_of(
    seed: int, trade_id: str, matched_at_ms: int, fate: Fate, latest_ms: int
) -> tuple[SettlementStep, ...]:
    """Draw a trade's course.

    A failure is over by ``latest_ms``, before the market pays out; other ends may come later.
    """
    dice = Random(f"{seed}/settlement/{trade_id}")
    at_ms = matched_at_ms
    steps = []
    for status, (least_ms, most_ms) in _COURSES[fate]:
        at_ms += dice.randint(least_ms, most_ms)
        if fate.is_failure:
            at_ms = min(at_ms, latest_ms)
        steps.append(SettlementStep(status, at_ms))
    return tuple(steps)
