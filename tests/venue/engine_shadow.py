"""A slow, plain book that is built from the engine's events alone, and objects to what is wrong.

It keeps every resting order in a list and never looks into the engine, so what it checks holds for
anyone who only reads the events: a feed, or a trader's own account of his orders.
"""

from __future__ import annotations

import attrs

from venue.engine.messages import (
    CancelRefused,
    Delayed,
    EngineEvent,
    LevelChanged,
    Lifetime,
    MatchKind,
    NewOrder,
    Outcome,
    PriceLevel,
    Refused,
    Removed,
    Rested,
    TickSizeChanged,
    Traded,
)


@attrs.define(eq=False)
class ShadowOrder:
    terms: NewOrder
    arrival: int
    filled_units: int = 0
    paid_nanos: int = 0
    fees_nanos: int = 0
    is_resting: bool = False
    is_delayed: bool = False
    is_ended: bool = False

    @property
    def leaves_units(self) -> int:
        return self.terms.size_units - self.filled_units

    @property
    def is_filled(self) -> bool:
        """Nothing is left, or too little money for a millionth of a share."""
        if self.terms.spend_nanos is None:
            return self.leaves_units == 0
        return self.terms.spend_nanos - self.paid_nanos < self.terms.price_ticks


class ShadowBook:
    """What the events of one engine say about its orders."""

    def __init__(self) -> None:
        self.orders: dict[str, ShadowOrder] = {}
        self.levels: dict[tuple[Outcome, bool], dict[int, int]] = {
            (outcome, is_bid): {} for outcome in Outcome for is_bid in (True, False)
        }
        self.trade_ids: list[str] = []
        self._arrivals = 0

    def submitted(self, order: NewOrder) -> None:
        self.orders.setdefault(order.order_id, ShadowOrder(order, -1))

    def read(self, events: list[EngineEvent]) -> None:
        for event in events:
            match event:
                case Rested(order_id, leaves_units):
                    self._rested(self.orders[order_id], leaves_units)
                case Delayed(order_id, _):
                    order = self.orders[order_id]
                    assert not order.terms.is_post_only
                    order.is_delayed = True
                case Traded():
                    self._traded(event)
                case Removed(order_id, _):
                    self._ended(self.orders[order_id])
                case LevelChanged(outcome, is_bid, price_ticks, size):
                    self._level_changed(self.levels[outcome, is_bid], price_ticks, size)
                case Refused() | CancelRefused() | TickSizeChanged():
                    pass

    def view(self, outcome: Outcome) -> tuple[tuple[PriceLevel, ...], tuple[PriceLevel, ...]]:
        """An outcome's (bids, asks) as the LevelChanged events left them."""
        return (
            tuple(sorted(self.levels[outcome, True].items(), reverse=True)),
            tuple(sorted(self.levels[outcome, False].items())),
        )

    def resting(self) -> list[ShadowOrder]:
        return [order for order in self.orders.values() if order.is_resting]

    def _rested(self, order: ShadowOrder, leaves_units: int) -> None:
        assert order.terms.lifetime in (Lifetime.GTC, Lifetime.GTD)
        assert not order.is_resting
        assert not order.is_ended
        assert order.leaves_units == leaves_units > 0
        order.is_resting, order.is_delayed = True, False
        order.arrival = self._arrivals
        self._arrivals += 1

    def _ended(self, order: ShadowOrder) -> None:
        assert not order.is_ended
        order.is_resting, order.is_delayed, order.is_ended = False, False, True

    def _traded(self, trade: Traded) -> None:
        taker = self.orders[trade.taker_order_id]
        assert not taker.terms.is_post_only
        assert not taker.is_resting
        taker.is_delayed = False
        limit, price = taker.terms.price_ticks, trade.price_ticks
        assert price <= limit if taker.terms.is_buy else price >= limit
        assert trade.size_units == sum(fill.size_units for fill in trade.maker_fills)
        self.trade_ids.append(trade.trade_id)
        for fill in trade.maker_fills:
            maker = self.orders[fill.order_id]
            assert maker is self._first_in_line(taker.terms), "the maker was not the first in line"
            terms = maker.terms
            assert (fill.owner, fill.outcome, fill.is_buy, fill.price_ticks) == (
                terms.owner,
                terms.outcome,
                terms.is_buy,
                terms.price_ticks,
            )
            self._prices_agree(trade, fill.match_kind, terms)
            self._filled(maker, fill.size_units, fill.price_ticks)
        self._filled(taker, trade.size_units, price)
        taker.fees_nanos += trade.fee_nanos

    def _filled(self, order: ShadowOrder, size_units: int, price_ticks: int) -> None:
        assert not order.is_ended
        order.filled_units += size_units
        order.paid_nanos += size_units * price_ticks
        if order.terms.spend_nanos is None:
            assert order.leaves_units >= 0
        else:
            assert order.paid_nanos <= order.terms.spend_nanos
        if order.is_filled:
            self._ended(order)

    @staticmethod
    def _prices_agree(trade: Traded, kind: MatchKind, maker: NewOrder) -> None:
        if kind is MatchKind.COMPLEMENTARY:
            assert maker.outcome is trade.outcome
            assert maker.is_buy is not trade.is_buy
            assert maker.price_ticks == trade.price_ticks
        else:
            assert maker.outcome is not trade.outcome
            assert maker.is_buy is trade.is_buy is (kind is MatchKind.MINT)
            assert maker.price_ticks + trade.price_ticks == 1000

    def _first_in_line(self, taker: NewOrder) -> ShadowOrder:
        """Who may trade with the taker before all others: best price for him, then oldest."""

        def line(maker: ShadowOrder) -> tuple[int, int]:
            terms = maker.terms
            same = terms.outcome is taker.outcome
            price = terms.price_ticks if same else 1000 - terms.price_ticks
            return (price if taker.is_buy else -price, maker.arrival)

        counterparties = [
            order
            for order in self.resting()
            if (order.terms.outcome is taker.outcome) is (order.terms.is_buy is not taker.is_buy)
        ]
        return min(counterparties, key=line)

    @staticmethod
    def _level_changed(levels: dict[int, int], price_ticks: int, size_units: int) -> None:
        levels.pop(price_ticks, None)
        if size_units:
            levels[price_ticks] = size_units
