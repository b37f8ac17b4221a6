"""Where an order stands, and what its strategy is shown of it."""

from __future__ import annotations

import enum

import attrs

from actors.model import Action, Side, TimeInForce


class OrderStatus(enum.Enum):
    """Where an order stands. The walkthrough's five names, and two that only the venue can end."""

    PENDING = "PENDING"
    """Recorded, and not yet known to rest or trade at the venue."""
    UNKNOWN = "UNKNOWN"
    """It left, and what became of it is unclear; ends only on the venue's evidence."""
    ACCEPTED = "ACCEPTED"
    """The venue holds it; nothing is filled yet."""
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"


TERMINAL_STATUSES = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED})


@attrs.frozen(kw_only=True)
class OwnOrder:
    """An order that has not ended, as the strategy of its window is shown it."""

    order_id: str
    """What ``Cancel`` names."""
    side: Side
    action: Action
    price_ticks: int
    """Its limit."""
    size_units: int
    """As it was ordered."""
    filled_units: int
    """Traded so far, as the desk has last heard."""
    time_in_force: TimeInForce
    is_post_only: bool
    status: OrderStatus
    created_at_ms: int
    expires_at_ms: int
    """When the system cancels what rests."""
    is_cancelling: bool
    """Its end has been asked for: it may still trade, and still occupies its side."""
    pair_id: str | None = None
    """Order id of the other leg; None if it is no leg of a pair."""

    @property
    def open_units(self) -> int:
        """Size that may still trade."""
        return max(0, self.size_units - self.filled_units)
