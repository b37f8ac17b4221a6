"""One market's resting orders, in the order in which they trade.

Buying Up at p and selling Down at $1 - p are the same wish. So there is one canonical book, of Up:
an order for Down stands on its other side at the mirrored price, and Down's book is a view.
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
    """An order on its way through the engine; what changes about it is here."""

    terms: NewOrder
    sequence: int
    """Its place in the order of acceptance."""
    accepted_at_ms: int
    is_bid: bool
    """Which side of the canonical book it is of."""
    book_price_ticks: int
    """Its limit as Up's price."""
    left: int
    """What it may still trade: nanos if it names money to spend, else units."""
    filled_units: int = 0
    reserved: int = 0
    """What the ledger holds back for it: nanos of a buy, units of a sell."""
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
        """What a canonical price is for this order's outcome."""
        if self.terms.outcome is Outcome.UP:
            return book_price_ticks
        return mirrored(book_price_ticks)

    def unit_cost(self, price_ticks: int) -> int:
        """By how much ``left`` shrinks for one unit at a price of the order's outcome."""
        return 1 if self.terms.spend_nanos is None else price_ticks

    def is_done_with(self, left: int) -> bool:
        """Whether so little is left that not one unit more can trade at the limit."""
        return left < self.unit_cost(self.terms.price_ticks)

    @property
    def notional_left_nanos(self) -> int:
        """Money that what is left of a buy gives at most, fees aside."""
        return (
            self.left if self.terms.spend_nanos is not None else self.left * self.terms.price_ticks
        )

    def snapshot(self) -> ExchangeOrder:
        """The order as others may see it."""
        return ExchangeOrder(
            terms=self.terms,
            status=self.status,
            filled_units=self.filled_units,
            accepted_at_ms=self.accepted_at_ms,
            end_reason=self.end_reason,
        )


class BookSide:
    """All resting bids, or all resting asks, of the canonical book.

    Which of the thousand prices have orders is one bit a price in a single integer, whose highest
    (bids) or lowest (asks) set bit is the best price: nothing is sorted or searched.
    """

    def __init__(self, *, is_bid: bool) -> None:
        self.is_bid = is_bid
        self.changed_prices: set[int] = set()
        """Prices whose total changed since it was last cleared."""
        self._queues: defaultdict[int, OrderedDict[int, WorkingOrder]] = defaultdict(OrderedDict)
        self._totals = [0] * (PAYOUT_TICKS + 1)
        self._occupied = 0

    def best(self) -> int | None:
        """The price that trades first; None if no one is here."""
        return self._best_of(self._occupied) if self._occupied else None

    def total(self, price_ticks: int) -> int:
        """Size of all orders at a price."""
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
        """The levels that an order of the other side reaches with its limit, best first."""
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
        """Take size off an order, which keeps its place; it leaves when nothing is left."""
        price = order.book_price_ticks
        order.left -= size_units
        self._totals[price] -= size_units
        self.changed_prices.add(price)
        if order.left == 0:
            self._unlink(order)

    def remove(self, order: WorkingOrder) -> None:
        """Take an order off the book; what is left of it stays written on it."""
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
        """Where the order rests."""
        return self.bids if order.is_bid else self.asks

    def opposite(self, order: WorkingOrder) -> BookSide:
        """Where the order finds those it trades with."""
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
        """An outcome's (best bid, best ask); None where no one is."""
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
            (canonical price, size) of each trade, best first, and what would be left of the order.
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
