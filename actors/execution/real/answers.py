"""What the venue's answers prove.

Only an answer that says that an order was not taken refuses it. Everything else that is no plain
yes leaves it unknown: no answer, any 5xx, a body of an unexpected shape, ``unmatched`` (which means
placed, without a match). Source of the texts: Polymarket's documentation, error codes.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from actors.execution.real.messages import PostAnswered, PostRefused, PostUnclear

HOLD_MS = 5_000
"""How long new orders wait after the venue takes none, unless it says how long."""
HOLD_SHORT_MS = 1_000


class Meaning(enum.Enum):
    """What a refusal means for the order."""

    REFUSED = "refused"
    """It was not taken and never will be."""
    KILLED = "killed"
    """Fill and kill, or fill or kill, and too little to match: it is over, and traded nothing."""
    HELD = "held"
    """It was not taken because the venue takes none now: later, the same bytes."""
    LAGGING = "lagging"
    """The venue does not see the money or shares for it, perhaps not yet."""
    KNOWN = "known"
    """The venue has had these bytes before."""
    UNCLEAR = "unclear"


_TAKES_NONE = (
    "post-only mode",
    "post_only_mode",
    "cancel-only",
    "trading is currently disabled",
)
_BY_TEXT = (
    ("duplicated", Meaning.KNOWN),
    ("not enough balance", Meaning.LAGGING),
    ("no orders found to match with fak", Meaning.KILLED),
    ("fok orders are fully filled or killed", Meaning.KILLED),
    ("not yet ready to process", Meaning.HELD),
    ("order match delayed", Meaning.UNCLEAR),
)


def meaning_of(refused: PostRefused) -> Meaning:
    """Say what a refusal proves."""
    text = f"{refused.text} {refused.code}".lower()
    if refused.status in (0, 401, 425, 429):
        return Meaning.HELD
    if refused.status == 503 and any(each in text for each in _TAKES_NONE):
        return Meaning.HELD
    if refused.status >= 500 or refused.status == 408:
        return Meaning.UNCLEAR
    return next((meaning for each, meaning in _BY_TEXT if each in text), Meaning.REFUSED)


def hold_ms(refused: PostRefused) -> int:
    """How long to wait before the next order is posted."""
    if refused.retry_after_ms is not None:
        return max(refused.retry_after_ms, HOLD_SHORT_MS)
    return HOLD_SHORT_MS if refused.status in (0, 401, 429) else HOLD_MS


def read_answer(order_id: str, body: object) -> PostAnswered | PostRefused | PostUnclear:
    """Read the body of a ``POST /order`` that was answered with 200."""
    if not isinstance(body, Mapping):
        return PostUnclear(order_id=order_id, reason=f"the venue answered {body!r:.200}")
    venue_order_id, status = _text(body, "orderID").lower(), _text(body, "status").lower()
    error = _text(body, "errorMsg")
    if venue_order_id and status in ("live", "matched", "delayed", "unmatched") and not error:
        return PostAnswered(order_id=order_id, venue_order_id=venue_order_id, status=status)
    if error and not venue_order_id:
        return PostRefused(order_id=order_id, status=200, text=error)
    return PostUnclear(order_id=order_id, reason=f"the venue answered {_shown(body)}")


def is_cancel_early(reason: str) -> bool:
    """Whether an order cannot be cancelled only yet: it waits in the venue's delay."""
    return any(word in reason.lower() for word in ("delay", "pending"))


def is_already_gone(reason: str) -> bool:
    """Whether a cancel found nothing of an order to take back: it was cancelled or has traded.

    Source: what users report of the venue, nautilus_trader#3797 and #3728.
    """
    text = reason.lower()
    return "already canceled" in text or "can't be found" in text or "not found" in text


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _shown(body: Mapping[str, Any]) -> str:
    names = ("success", "errorMsg", "orderID", "status")
    return ", ".join(f"{name} {body.get(name)!r:.80}" for name in names)
