"""One market's resting orders, by price and time.

Buying Up at p is the same as selling Down at $1 - p. So there is one canonical book, that of Up: an
order for Down rests on the opposite side at the mirrored price, and Down's book is a view.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterator

import attrs

from actors.units import PAYOUT_TICKS
from venue.engine.messages import (
    ExchangeOrder,
    ExchangeOrderStatus,
    NewOrder,
    Outcome,
    PriceLevel,
    mirrored,
)


@attrs.define(eq=False)
class WorkingOrder:
    """The mutable state of an order inside the engine."""

    terms: NewOrder
    sequence: int
    """Position in the order of acceptance."""
    accepted_at_ms: int
    is_bid: bool
    """Side of the canonical book."""
    book_price_ticks: int
    """Limit price, as a price of Up."""
    left: int
    """What it may still trade: nanodollars if the order names money to spend, else share units."""
    filled_units: int = 0
    reserved: int = 0
    """What the ledger reserves for it: nanodollars for a buy, share units for a sell."""
    status: ExchangeOrderStatus = ExchangeOrderStatus.LIVE
    end_reason: str = ""

    @classmethod
    def of(cls, terms: NewOrder, sequence: int, now_ms: int) -> WorkingOrder:
        """Place an order's terms in the canonical book."""
        is_up = terms.outcome is Outcome.UP
        return cls(
            terms=terms,
            sequence=sequence,
            accepted_at_ms=now_ms,
            is_bid=terms.is_buy is is_up,
            book_price_ticks=terms.price_ticks if is_up else mirrored(terms.price_ticks),
            left=terms.size_units if terms.spend_nanos is None else terms.spend_nanos,
        )

    def own_price(self, book_price_ticks: int) -> int:
        """Convert a canonical price to a price of this order's outcome."""
        if self.terms.outcome is Outcome.UP:
            return book_price_ticks
        return mirrored(book_price_ticks)

    def unit_cost(self, price_ticks: int) -> int:
        """Return how much ``left`` shrinks per unit traded at a price of the order's outcome."""
        return 1 if self.terms.spend_nanos is None else price_ticks

    def is_done_with(self, left: int) -> bool:
        """Whether too little is left to trade one more unit at the limit price."""
        return left < self.unit_cost(self.terms.price_ticks)

    @property
    def notional_left_nanos(self) -> int:
        """Most money the rest of a buy can spend, in nanodollars, without fees."""
        return (
            self.left if self.terms.spend_nanos is not None else self.left * self.terms.price_ticks
        )

    def snapshot(self) -> ExchangeOrder:
        """Return the order as others may see it."""
        return ExchangeOrder(
            terms=self.terms,
            status=self.status,
            filled_units=self.filled_units,
            accepted_at_ms=self.accepted_at_ms,
            end_reason=self.end_reason,
        )


class BookSide:
    """All resting bids, or all resting asks, of the canonical book.

    One integer has a bit for each of the thousand prices that has orders. The best price is its
    highest set bit (bids) or lowest set bit (asks), so nothing is sorted or searched.
    """

    def __init__(self, *, is_bid: bool) -> None:
        self.is_bid = is_bid
        self.changed_prices: set[int] = set()
        """Prices whose total has changed since this was last cleared."""
        self._queues: defaultdict[int, OrderedDict[int, WorkingOrder]] = defaultdict(OrderedDict)
        self._totals = [0] * (PAYOUT_TICKS + 1)
        self._occupied = 0

    def best(self) -> int | None:
        """The price that trades first; None if the side is empty."""
        return self._best_of(self._occupied) if self._occupied else None

    def total(self, price_ticks: int) -> int:
        """Total size of the orders at a price."""
        return self._totals[price_ticks]

    def front(self, price_ticks: int) -> WorkingOrder:
        """The oldest order at a price that has one."""
        return next(iter(self._queues[price_ticks].values()))

    def levels(self) -> Iterator[PriceLevel]:
        """Every price and its total, best first."""
        occupied = self._occupied
        while occupied:
            price = self._best_of(occupied)
            yield price, self._totals[price]
            occupied ^= 1 << price

    def levels_within(self, limit_ticks: int) -> Iterator[PriceLevel]:
        """The levels that an opposite order with this limit would reach, best first."""
        for level in self.levels():
            if level[0] < limit_ticks if self.is_bid else level[0] > limit_ticks:
                return
            yield level

    def add(self, order: WorkingOrder) -> None:
        """Put an order behind all others at its price."""
        price = order.book_price_ticks
        self._queues[price][order.sequence] = order
        self._totals[price] += order.left
        self._occupied |= 1 << price
        self.changed_prices.add(price)

    def reduce(self, order: WorkingOrder, size_units: int) -> None:
        """Reduce an order, which keeps its place; remove it when nothing is left."""
        price = order.book_price_ticks
        order.left -= size_units
        self._totals[price] -= size_units
        self.changed_prices.add(price)
        if order.left == 0:
            self._unlink(order)

    def remove(self, order: WorkingOrder) -> None:
        """Remove an order from the book; its remaining size stays recorded on it."""
        self._totals[order.book_price_ticks] -= order.left
        self.changed_prices.add(order.book_price_ticks)
        self._unlink(order)

    def _unlink(self, order: WorkingOrder) -> None:
        price = order.book_price_ticks
        queue = self._queues[price]
        del queue[order.sequence]
        if not queue:
            self._occupied ^= 1 << price

    def _best_of(self, occupied: int) -> int:
        if self.is_bid:
            return occupied.bit_length() - 1
        return (occupied & -occupied).bit_length() - 1


class OrderBook:
    """Both sides of the canonical book, and the two views of it."""

    def __init__(self) -> None:
        self.bids = BookSide(is_bid=True)
        self.asks = BookSide(is_bid=False)

    def side(self, order: WorkingOrder) -> BookSide:
        """The side on which the order rests."""
        return self.bids if order.is_bid else self.asks

    def opposite(self, order: WorkingOrder) -> BookSide:
        """The side with which the order trades."""
        return self.asks if order.is_bid else self.bids

    def levels(self, outcome: Outcome) -> tuple[tuple[PriceLevel, ...], tuple[PriceLevel, ...]]:
        """An outcome's (bids, asks), best first."""
        if outcome is Outcome.UP:
            return tuple(self.bids.levels()), tuple(self.asks.levels())
        bids, asks = self.asks.levels(), self.bids.levels()
        return (
            tuple((mirrored(price), size) for price, size in bids),
            tuple((mirrored(price), size) for price, size in asks),
        )

    def best(self, outcome: Outcome) -> tuple[int | None, int | None]:
        """An outcome's (best bid, best ask); None for an empty side."""
        bid, ask = self.bids.best(), self.asks.best()
        if outcome is Outcome.UP:
            return bid, ask
        return (
            None if ask is None else mirrored(ask),
            None if bid is None else mirrored(bid),
        )

    def plan(self, order: WorkingOrder) -> tuple[list[PriceLevel], int]:
        """What the order would trade if it met the book now.

        Returns:
            (canonical price, size) of each trade, best first, and what would be left of the
                order.
        """
        trades: list[PriceLevel] = []
        left = order.left
        for price, total in self.opposite(order).levels_within(order.book_price_ticks):
            unit_cost = order.unit_cost(order.own_price(price))
            size = min(total, left // unit_cost)
            if size == 0:
                break
            trades.append((price, size))
            left -= size * unit_cost
        return trades, left
