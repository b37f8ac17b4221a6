"""The matching engine of one market: orders in, events out."""

from __future__ import annotations

import heapq

from msgspec.structs import replace

from venue.engine.book import OrderBook, WorkingOrder
from venue.engine.clearing import Clearing
from venue.engine.ledger import Ledger
from venue.engine.messages import (
    CANCELED,
    CANCELED_EXPIRED_ORDER,
    CANCELED_MARKET_RESOLVED,
    CANCELED_NOT_ENOUGH_BALANCE,
    CancelRefused,
    Delayed,
    EngineEvent,
    ExchangeOrder,
    ExchangeOrderStatus,
    LevelChanged,
    Lifetime,
    MakerFill,
    MarketRules,
    MatchKind,
    NewOrder,
    Outcome,
    PriceLevel,
    Refused,
    Removed,
    Rested,
    TickSizeChanged,
    Traded,
    mirrored,
)
from venue.engine.refusals import (
    CANCEL_DELAYED,
    CANCEL_TOO_LATE,
    MARKET_NOT_READY,
    book_refusal,
    duplicate_refusal,
    rules_refusal,
)

_EXPIRY, _RELEASE = 0, 1
"""Order of what is due at the same instant: an order that expires cannot meet one released then."""


class MatchingEngine:
    """One market: price-time priority, the maker's price, one canonical book for both outcomes.

    Every call takes the venue time, first performs what fell due until then (expiries, delayed
    orders), and returns all events in order, changed price levels last. Time never goes back: an
    earlier ``now_ms`` counts as the latest one seen. Accepted orders are remembered for the
    engine's life, one window, so that no id is accepted twice.

    An owner may trade with itself: the venue documents nothing that prevents it, and buying both
    outcomes from oneself is a way to mint a pair.

    The ledger belongs to the exchange and is shared by the engines of all markets. Trade ids have a
    prefix: the market's id and a dash by default.
    """

    def __init__(
        self, rules: MarketRules, ledger: Ledger, trade_id_prefix: str | None = None
    ) -> None:
        self.rules = rules
        """The rules for new orders; only ``set_tick_size`` changes them."""
        self._ledger = ledger
        self._clearing = Clearing(rules.market_id, rules.fee_rate_bps, ledger)
        self._trade_id_prefix = (
            f"{rules.market_id}-" if trade_id_prefix is None else trade_id_prefix
        )
        self._book = OrderBook()
        self._orders: dict[str, WorkingOrder] = {}
        self._accepted_count = 0
        self._forgotten_owners: set[str] = set()
        self._open: dict[str, dict[str, WorkingOrder]] = {}
        self._due: list[tuple[int, int, int, WorkingOrder]] = []
        self._events: list[EngineEvent] = []
        self._trade_count = 0
        self._now_ms = 0
        self._is_resolved = False

    # queries

    def levels(self, outcome: Outcome) -> tuple[tuple[PriceLevel, ...], tuple[PriceLevel, ...]]:
        """An outcome's (bids, asks), best first."""
        return self._book.levels(outcome)

    def best(self, outcome: Outcome) -> tuple[int | None, int | None]:
        """An outcome's (best bid, best ask) in ticks; None where no one is."""
        return self._book.best(outcome)

    def total_units(self, price_ticks: int, *, is_bid: bool) -> int:
        """Size of all bids, or asks, at a price of Up."""
        return (self._book.bids if is_bid else self._book.asks).total(price_ticks)

    def order(self, order_id: str) -> ExchangeOrder | None:
        """An order's present state, open or closed; None if never accepted, or forgotten."""
        order = self._orders.get(order_id)
        return order.snapshot() if order else None

    def open_orders(self, owner: str) -> tuple[ExchangeOrder, ...]:
        """An owner's resting and delayed orders, oldest first."""
        return tuple(order.snapshot() for order in self._open.get(owner, {}).values())

    @property
    def next_due_ms(self) -> int | None:
        """When ``advance`` may next have something to do; None if nothing is scheduled."""
        return self._due[0][0] if self._due else None

    # commands

    def forget_orders_of(self, owner: str) -> None:
        """Keep no order of this owner beyond its end: nobody will ask for it.

        Without this a simulated market keeps some twenty orders a second. The owner must not use
        an id twice: that would not be noticed.
        """
        self._forgotten_owners.add(owner)

    def submit(
        self, order: NewOrder, now_ms: int, taker_delay_ms: int | None = None
    ) -> list[EngineEvent]:
        """Accept an order: return Refused, Delayed, or the events of its trading and resting.

        Args:
            order: as it reached the exchange.
            now_ms: venue time.
            taker_delay_ms: how long this one waits if it is marketable; None for the market's
                rule.

        Raises:
            UnknownAccount: the owner has no account in the ledger.
        """
        self._catch_up(now_ms)
        working = WorkingOrder.of(order, self._accepted_count, self._now_ms)
        reason = self._refusal_before_book(order)
        if reason is None:
            plan, left = self._book.plan(working)
            reason = self._clearing.refusal(working, plan) or book_refusal(
                order, self.rules, plan, is_filled=working.is_done_with(left)
            )
        if reason is not None:
            self._events.append(Refused(order.order_id, reason))
            return self._take_events()
        self._accepted_count += 1
        self._orders[order.order_id] = working
        self._open.setdefault(order.owner, {})[order.order_id] = working
        if order.expires_at_ms is not None:
            expiry = (order.expires_at_ms, _EXPIRY, working.sequence, working)
            heapq.heappush(self._due, expiry)
        delay_ms = self.rules.taker_delay_ms if taker_delay_ms is None else taker_delay_ms
        if plan and delay_ms > 0:
            self._delay(working, plan, delay_ms)
        else:
            self._meet_book(working, plan)
        return self._take_events()

    def cancel(self, order_id: str, reason: str, now_ms: int) -> list[EngineEvent]:
        """Cancel a resting order, for one of the ``CANCELED`` reasons."""
        self._catch_up(now_ms)
        order = self._orders.get(order_id)
        if order is None or not order.status.is_open:
            self._events.append(CancelRefused(order_id, CANCEL_TOO_LATE))
        else:
            self._cancel_unless_delayed(order, reason)
        return self._take_events()

    def cancel_all(self, owner: str, now_ms: int) -> list[EngineEvent]:
        """Cancel all resting orders of an owner."""
        self._catch_up(now_ms)
        for order in tuple(self._open.get(owner, {}).values()):
            self._cancel_unless_delayed(order, CANCELED)
        return self._take_events()

    def advance(self, now_ms: int) -> list[EngineEvent]:
        """Advance time: expire orders, and match those whose taker delay has ended."""
        self._catch_up(now_ms)
        return self._take_events()

    def set_tick_size(self, tick_size_ticks: int, now_ms: int) -> list[EngineEvent]:
        """Apply another price grid to new orders; accepted orders stay as they are."""
        self._catch_up(now_ms)
        old_ticks = self.rules.tick_size_ticks
        if tick_size_ticks != old_ticks:
            self.rules = replace(self.rules, tick_size_ticks=tick_size_ticks)
            self._events.append(TickSizeChanged(old_ticks, tick_size_ticks))
        return self._take_events()

    def resolve(self, winner: Outcome | None, now_ms: int) -> list[EngineEvent]:
        """End the market: cancel all orders, redeem all shares; None makes it void, half each.

        A second call changes nothing.
        """
        self._catch_up(now_ms)
        if not self._is_resolved:
            for orders in tuple(self._open.values()):
                for order in tuple(orders.values()):
                    self._remove(order, CANCELED_MARKET_RESOLVED)
            self._ledger.pay_out(self.rules.market_id, winner)
            self._is_resolved = True
        return self._take_events()

    # internals

    def _catch_up(self, now_ms: int) -> None:
        """Perform what fell due, each at its own time; then cancel what owners cannot fund."""
        target_ms = max(self._now_ms, now_ms)
        if self._ledger.short_owners:
            self._cancel_unfunded()
        while self._due and self._due[0][0] <= target_ms:
            due_ms, kind, _sequence, order = heapq.heappop(self._due)
            self._now_ms = max(self._now_ms, due_ms)
            if kind == _RELEASE and order.status is ExchangeOrderStatus.DELAYED:
                self._release(order)
            elif kind == _EXPIRY and order.status.is_open:
                self._remove(order, CANCELED_EXPIRED_ORDER)
        self._now_ms = target_ms

    def _take_events(self) -> list[EngineEvent]:
        """Return everything that has happened since the last call."""
        events, self._events = self._events, []
        for side in (self._book.bids, self._book.asks):
            for price in side.changed_prices:
                size = side.total(price)
                events.append(LevelChanged(Outcome.UP, side.is_bid, price, size))
                events.append(LevelChanged(Outcome.DOWN, not side.is_bid, mirrored(price), size))
            side.changed_prices.clear()
        return events

    def _refusal_before_book(self, order: NewOrder) -> str | None:
        if self._is_resolved:
            return MARKET_NOT_READY
        if order.order_id in self._orders:
            return duplicate_refusal(order)
        return rules_refusal(order, self.rules, self._now_ms)

    def _delay(self, order: WorkingOrder, plan: list[PriceLevel], delay_ms: int) -> None:
        self._clearing.hold(order, plan)
        order.status = ExchangeOrderStatus.DELAYED
        release_at_ms = self._now_ms + delay_ms
        heapq.heappush(self._due, (release_at_ms, _RELEASE, order.sequence, order))
        self._events.append(Delayed(order.terms.order_id, release_at_ms))

    def _release(self, order: WorkingOrder) -> None:
        """Match a delayed order against the present book."""
        self._clearing.free(order)
        order.status = ExchangeOrderStatus.LIVE
        plan, left = self._book.plan(order)
        if order.terms.lifetime is Lifetime.FOK and not order.is_done_with(left):
            plan = []
        self._meet_book(order, plan)

    def _meet_book(self, order: WorkingOrder, plan: list[PriceLevel]) -> None:
        """Perform the planned trades; rest or end what they leave of the order."""
        trades = [(price, self._match(order, price, size)) for price, size in plan]
        is_done = order.is_done_with(order.left)
        rests = order.terms.lifetime.may_rest and not is_done
        if rests:
            self._clearing.hold(order, plan=[])
        for book_price_ticks, fills in trades:
            self._emit_trade(order, order.own_price(book_price_ticks), fills)
        if rests:
            self._book.side(order).add(order)
            self._events.append(Rested(order.terms.order_id, order.left))
        elif is_done:
            self._end(order, ExchangeOrderStatus.MATCHED)
        else:
            self._end(order, ExchangeOrderStatus.CANCELED, CANCELED)

    def _match(
        self, taker: WorkingOrder, book_price_ticks: int, size_units: int
    ) -> tuple[MakerFill, ...]:
        """Trade a size at one price with the orders there, oldest first."""
        side = self._book.opposite(taker)
        fills: list[MakerFill] = []
        unmatched = size_units
        while unmatched:
            maker = side.front(book_price_ticks)
            size = min(unmatched, maker.left)
            self._clearing.settle(taker, maker, book_price_ticks, size)
            side.reduce(maker, size)
            maker.filled_units += size
            if not maker.left:
                self._end(maker, ExchangeOrderStatus.MATCHED)
            fills.append(_maker_fill(taker.terms, maker.terms, size))
            unmatched -= size
        taker.filled_units += size_units
        taker.left -= size_units * taker.unit_cost(taker.own_price(book_price_ticks))
        return tuple(fills)

    def _emit_trade(
        self, taker: WorkingOrder, price_ticks: int, fills: tuple[MakerFill, ...]
    ) -> None:
        """Charge the fee of a trade and emit its event."""
        size = sum(fill.size_units for fill in fills)
        self._trade_count += 1
        self._events.append(
            Traded(
                trade_id=f"{self._trade_id_prefix}{self._trade_count}",
                taker_order_id=taker.terms.order_id,
                taker_owner=taker.terms.owner,
                outcome=taker.terms.outcome,
                is_buy=taker.terms.is_buy,
                price_ticks=price_ticks,
                size_units=size,
                fee_nanos=self._clearing.charge(taker, price_ticks, size),
                maker_fills=fills,
                traded_at_ms=self._now_ms,
            )
        )

    def _cancel_unless_delayed(self, order: WorkingOrder, reason: str) -> None:
        if order.status is ExchangeOrderStatus.DELAYED:
            self._events.append(CancelRefused(order.terms.order_id, CANCEL_DELAYED))
        else:
            self._remove(order, reason)

    def _cancel_unfunded(self) -> None:
        """Cancel, newest first, orders that reserve what their owner no longer has."""
        for owner in tuple(self._ledger.short_owners):
            for order in reversed(tuple(self._open.get(owner, {}).values())):
                terms = order.terms
                market_id = self.rules.market_id
                if self._ledger.lacks(owner, market_id, terms.outcome, is_buy=terms.is_buy):
                    self._remove(order, CANCELED_NOT_ENOUGH_BALANCE)

    def _remove(self, order: WorkingOrder, reason: str) -> None:
        """End an order that rests or waits, and release its reservation."""
        if order.status is ExchangeOrderStatus.LIVE:
            self._book.side(order).remove(order)
        self._clearing.free(order)
        self._end(order, ExchangeOrderStatus.CANCELED, reason)

    def _end(self, order: WorkingOrder, status: ExchangeOrderStatus, reason: str = "") -> None:
        order.status = status
        order.end_reason = reason
        terms = order.terms
        del self._open[terms.owner][terms.order_id]
        if terms.owner in self._forgotten_owners:
            del self._orders[terms.order_id]
        if status is ExchangeOrderStatus.CANCELED:
            self._events.append(Removed(order.terms.order_id, reason))


def _maker_fill(taker: NewOrder, maker: NewOrder, size_units: int) -> MakerFill:
    if maker.outcome is taker.outcome:
        kind = MatchKind.COMPLEMENTARY
    else:
        kind = MatchKind.MINT if maker.is_buy else MatchKind.MERGE
    return MakerFill(
        order_id=maker.order_id,
        owner=maker.owner,
        outcome=maker.outcome,
        is_buy=maker.is_buy,
        price_ticks=maker.price_ticks,
        size_units=size_units,
        match_kind=kind,
    )
