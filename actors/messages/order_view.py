"""An order's status, and what its strategy sees of it."""

from __future__ import annotations

import enum

import attrs

from actors.model import Action, Side, TimeInForce


class OrderStatus(enum.Enum):
    """Status of an order."""

    PENDING = "PENDING"
    """Recorded, and not yet known to rest or to have traded at the venue."""
    UNKNOWN = "UNKNOWN"
    """Sent, with an unknown outcome; only evidence from the venue resolves it."""
    ACCEPTED = "ACCEPTED"
    """The venue holds it; nothing is filled yet."""
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"


TERMINAL_STATUSES = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED})


@attrs.frozen(kw_only=True)
class OwnOrder:
    """An open order, as the strategy of its window sees it."""

    order_id: str
    """The id that ``Cancel`` names."""
    side: Side
    action: Action
    price_ticks: int
    """Limit price."""
    size_units: int
    """Size as ordered."""
    filled_units: int
    """Size traded so far, as last reported to the desk."""
    time_in_force: TimeInForce
    is_post_only: bool
    status: OrderStatus
    created_at_ms: int
    expires_at_ms: int
    """When the system cancels whatever rests."""
    is_cancelling: bool
    """A cancel was requested: until it ends it may still trade, and keeps its side busy."""
    pair_id: str | None = None
    """Order id of the other leg; None if it is not part of a pair."""

    @property
    def open_units(self) -> int:
        """Size that may still trade."""
        return max(0, self.size_units - self.filled_units)
