"""An order at the backtest's venue."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator

import attrs

from actors.execution.paper import is_done_with, quantity_wanted
from actors.messages.execution import OrderIntent
from actors.model import Action, Level, Side
from actors.units import PAYOUT_TICKS
from research.backtest.queue import QueuePlace


class VenuePhase(enum.Enum):
    """The state of an order at the venue."""

    DELAYED = "delayed"
    """Waiting for the end of the taker delay; it cannot be cancelled until then."""
    RESTING = "resting"


@attrs.define(kw_only=True)
class VenueOrder:
    """An order that has arrived, in prices of Up, like the one book."""

    intent: OrderIntent
    phase: VenuePhase = VenuePhase.DELAYED
    left: int = attrs.field(init=False)
    """Size that may still trade: units, or nanos if it is sized in money."""
    filled_units: int = 0
    fills_count: int = 0
    place: QueuePlace | None = None
    """Its place in the queue, while it rests."""

    def __attrs_post_init__(self) -> None:
        self.left = quantity_wanted(self.intent)

    @property
    def order_id(self) -> str:
        """The order's id."""
        return self.intent.order_id

    @property
    def is_done(self) -> bool:
        """Whether it has traded all that it can."""
        return is_done_with(self.intent, self.left)

    @property
    def buys_up(self) -> bool:
        """Whether it is a bid in the book of Up: buying Up, or selling Down."""
        return (self.intent.side is Side.YES) == (self.intent.action is Action.BUY)

    @property
    def up_ticks(self) -> int:
        """Its limit in prices of Up."""
        return self.own_ticks(self.intent.price_ticks)

    def own_ticks(self, price_ticks: int) -> int:
        """Convert a price of Up into one of its own token, or back."""
        return price_ticks if self.intent.side is Side.YES else PAYOUT_TICKS - price_ticks

    def own_levels(self, levels: Iterable[Level]) -> Iterator[Level]:
        """Convert (price, size) of the book into those of its own token, or back."""
        return ((self.own_ticks(price_ticks), units) for price_ticks, units in levels)
