"""The venue of a backtest: our orders against the books and trades of a recording.

It is the executor's port. A command arrives after the latency to the venue. A marketable order
waits for the venue's taker delay, takes what the book then has at its limit or better, and rests
with the remainder. A resting order trades as the queue or a crossing market reaches it. Events take
the latency back. docs/backtesting.md lists the assumptions, and the direction of their errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from actors.backtest_settings import QUEUE
from actors.execution.paper import FOK_KILLED, is_done_with, take, total_units, unit_cost
from actors.messages.execution import OrderIntent
from actors.messages.feeds import (
    BookEvent,
    LastTradeEvent,
    MarketEvent,
    PriceChangeEvent,
    TickSizeEvent,
)
from actors.model import Action, FillDetail, Level, Market, TimeInForce
from actors.runtime.scheduler import Scheduler
from actors.settings import Settings
from actors.units import PAYOUT_TICKS, dollars_text, price_text, size_text, taker_fee_nanos
from research.backtest.executor import (
    PlaceOrder,
    VenueAccepted,
    VenueCancelled,
    VenueFilled,
    VenueNews,
    VenueRejected,
    WithdrawOrder,
)
from research.backtest.queue import QueuePlace
from research.backtest.venue_book import VenueBook
from research.backtest.venue_order import VenueOrder, VenuePhase

TAKER_DELAY_MS = 250
"""For the venue's crypto markets, if a recording does not say. Source: its notice of 2026-06."""

_TRADES_REMEMBERED = 64


class RecordedVenue:
    """One window's venue."""

    def __init__(
        self,
        market: Market,
        settings: Settings,
        scheduler: Scheduler,
        chance: Random,
        recorded_delay_ms: int | None = None,
        mirrored_token: str = "",
    ) -> None:
        """Open the venue.

        Args:
            market: the window.
            settings: assumptions about the venue, and the latencies.
            scheduler: virtual time.
            chance: the seed's random numbers, for latencies.
            recorded_delay_ms: the taker delay in the recording's metadata.
            mirrored_token: its books contain nothing that the other token's do not.
        """
        self.book = VenueBook(market.yes_token)
        self.tell: Callable[[VenueNews], None] = _nobody_listens
        """Hands the executor an event that has reached it."""
        self._market = market
        self._model = settings.backtest
        self._mirrored_token = mirrored_token
        self._latency_out_ms = settings.execution.latency_ms
        self._scheduler = scheduler
        self._chance = chance
        self._tick_size_ticks = market.tick_size_ticks
        delays_ms = (self._model.taker_delay_ms, recorded_delay_ms, TAKER_DELAY_MS)
        self._taker_delay_ms = next(each for each in delays_ms if each is not None)
        self._orders: dict[str, VenueOrder] = {}
        self._held_units = {market.yes_token: 0, market.no_token: 0}
        self._trades: dict[tuple[int, int, int, bool], str] = {}
        """Recent public trades by time, price of Up, size and direction, with their token."""
        self._arrives_at_ms = 0
        self._comes_back_at_ms = 0
        self._is_closed = False

    @property
    def resting_count(self) -> int:
        """Number of resting orders."""
        return sum(order.phase is VenuePhase.RESTING for order in self._orders.values())

    # Port

    def perform(self, command: object) -> None:
        """Send a command to the venue."""
        self._arrives_at_ms = max(self._arrives_at_ms, self._after(self._latency_out_ms))
        delay_ms = self._arrives_at_ms - self._scheduler.now_ms
        match command:
            case PlaceOrder(intent):
                self._scheduler.after(delay_ms, self._arrive, intent)
            case WithdrawOrder(order_id, reason):
                self._scheduler.after(delay_ms, self._withdraw, order_id, reason)
            case _:
                raise AssertionError(f"the venue cannot perform {command!r}")

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _after(self, latency_ms: int) -> int:
        jitter_ms = self._model.latency_jitter_ms
        drawn_ms = int(self._chance.random() * (jitter_ms + 1)) if jitter_ms else 0
        return self._scheduler.now_ms + latency_ms + drawn_ms

    def _say(self, news: VenueNews) -> None:
        came_back_at_ms = self._after(self._model.latency_back_ms)
        self._comes_back_at_ms = max(self._comes_back_at_ms, came_back_at_ms)
        delay_ms = self._comes_back_at_ms - self._scheduler.now_ms
        self._scheduler.after(delay_ms, self._deliver, news)

    def _deliver(self, news: VenueNews) -> None:
        self.tell(news)

    # Recorded events

    def show(self, events: Iterable[MarketEvent]) -> None:
        """Apply recorded events to the book, and fill resting orders."""
        for event in events:
            if isinstance(event, PriceChangeEvent):
                self.book.show_change(event)
                self._look_at_queues(event.timestamp_ms)
            elif isinstance(event, BookEvent):
                if event.token != self._mirrored_token:
                    self.book.show_book(event)
                    self._look_at_queues(event.timestamp_ms)
            elif isinstance(event, LastTradeEvent):
                self._show_trade(event)
            elif isinstance(event, TickSizeEvent):
                self._tick_size_ticks = event.tick_size_ticks
        if self._orders:
            self._look_at_resting()

    def _show_trade(self, trade: LastTradeEvent) -> None:
        """Let a public trade reach the orders that rest at its price or a better one."""
        is_up = trade.token == self._market.yes_token
        up_ticks = trade.price_ticks if is_up else PAYOUT_TICKS - trade.price_ticks
        lifts_asks = trade.taker_buys is is_up
        if self._is_known_trade(trade, up_ticks, lifts_asks=lifts_asks):
            return
        if self._model.fill_model != QUEUE:
            return
        for order in tuple(self._orders.values()):
            if order.place is None or order.buys_up is lifts_asks:
                continue
            beyond_ticks = up_ticks - order.up_ticks if lifts_asks else order.up_ticks - up_ticks
            if beyond_ticks < 0:
                continue  # it traded at a better price, so the trade never reached this one
            reached_units = trade.size_units
            if beyond_ticks == 0:
                reached_units = order.place.trade(trade.size_units, trade.timestamp_ms)
            self._fill_resting(order, reached_units)

    def _is_known_trade(self, trade: LastTradeEvent, up_ticks: int, *, lifts_asks: bool) -> bool:
        """Whether the same trade was already reported for the other token, in its prices."""
        key = (trade.timestamp_ms, up_ticks, trade.size_units, lifts_asks)
        told_on = self._trades.setdefault(key, trade.token)
        if len(self._trades) > _TRADES_REMEMBERED:
            del self._trades[next(iter(self._trades))]
        return told_on != trade.token

    def _look_at_queues(self, at_ms: int) -> None:
        """Compare each queue with its level, after every single event."""
        for order in self._orders.values():
            if order.place is not None:
                shown_units = self.book.displayed_units(order.up_ticks, is_bid=order.buys_up)
                order.place.show(shown_units, at_ms)

    def _look_at_resting(self) -> None:
        """Trade resting orders against the book's offers at or beyond their limits."""
        for order in tuple(self._orders.values()):
            if order.place is None:
                continue
            up_ticks, buys = order.up_ticks, order.buys_up
            crossing = take(order.intent, self.book.offers(up_ticks, buys=buys), order.left)
            if crossing:
                self.book.take(crossing, buys=buys)
                self._fill_resting(order, total_units(crossing))

    def _fill_resting(self, order: VenueOrder, reached_units: int) -> None:
        size_units = min(order.left, reached_units)
        if size_units:
            self._fill(order, [(order.intent.price_ticks, size_units)], is_maker=True)
            if order.is_done:
                del self._orders[order.order_id]

    def end_window(self) -> None:
        """Cancel all orders of a window that is over."""
        self._is_closed = True
        for order in tuple(self._orders.values()):
            self._end(order, "the window is over")

    # Arrivals

    def _arrive(self, intent: OrderIntent) -> None:
        """Handle an order that arrives: refuse it, delay it as a taker, or rest it."""
        order = VenueOrder(intent=intent)
        is_marketable = next(self.book.offers(order.up_ticks, buys=order.buys_up), None) is not None
        objection = self._objection(order, is_marketable=is_marketable)
        if objection:
            self._say(VenueRejected(intent.order_id, objection))
            return
        self._orders[intent.order_id] = order
        self._say(VenueAccepted(intent.order_id))
        if is_marketable and self._taker_delay_ms:
            self._scheduler.after(self._taker_delay_ms, self._match, order)
        else:
            self._match(order)

    def _objection(self, order: VenueOrder, *, is_marketable: bool) -> str:
        """Why the venue refuses an order; empty if it does not."""
        intent = order.intent
        if self._is_closed:
            return "the market takes no more orders"
        if intent.price_ticks % self._tick_size_ticks or not 0 < intent.price_ticks < PAYOUT_TICKS:
            return (
                f"price {price_text(intent.price_ticks)} breaks the minimum tick size "
                f"{price_text(self._tick_size_ticks)}"
            )
        if is_marketable and intent.is_post_only:
            return "post-only, and it would trade at once"
        if not is_marketable and intent.size_units < self._market.minimum_size_units:
            minimum = size_text(self._market.minimum_size_units)
            return f"size {size_text(intent.size_units)} is lower than the minimum {minimum}"
        notional_nanos = intent.price_ticks * intent.size_units
        if is_marketable and notional_nanos < self._market.minimum_notional_nanos:
            minimum = dollars_text(self._market.minimum_notional_nanos)
            return f"${dollars_text(notional_nanos)} is less than a marketable order's ${minimum}"
        return self._shortage(order)

    def _shortage(self, order: VenueOrder) -> str:
        """Whether a sale exceeds what is held and not already on sale."""
        intent = order.intent
        if intent.action is not Action.SELL:
            return ""
        on_sale = sum(
            each.left
            for each in self._orders.values()
            if each.intent.action is Action.SELL and each.intent.side is intent.side
        )
        left_units = self._held_units[self._market.token(intent.side)] - on_sale
        return "not enough shares" if intent.size_units > left_units else ""

    def _match(self, order: VenueOrder) -> None:
        """Trade against the book at the limit or better; the remainder rests, or ends."""
        if order.order_id not in self._orders:
            return  # the window ended during the delay
        intent, kind = order.intent, order.intent.time_in_force
        offers = self.book.offers(order.up_ticks, buys=order.buys_up)
        parts = take(intent, order.own_levels(offers), order.left)
        left = order.left - sum(unit_cost(intent, price) * units for price, units in parts)
        if kind is TimeInForce.FOK and not is_done_with(intent, left):
            self._end(order, FOK_KILLED)
            return
        if parts:
            self.book.take(order.own_levels(parts), buys=order.buys_up)
            self._fill(order, parts, is_maker=False)
        if order.is_done:
            del self._orders[order.order_id]
        elif not kind.may_rest:
            self._end(order, "fill and kill: nothing more to match")
        else:
            self._rest(order)

    def _rest(self, order: VenueOrder) -> None:
        shown_units = self.book.displayed_units(order.up_ticks, is_bid=order.buys_up)
        order.phase = VenuePhase.RESTING
        order.place = QueuePlace(
            ahead_units=shown_units,
            shown_units=shown_units,
            cancel_ahead_percent=self._model.cancel_ahead_percent,
        )

    def _withdraw(self, order_id: str, reason: str) -> None:
        """Handle a cancel: refused during the taker delay, after which the executor asks again."""
        order = self._orders.get(order_id)
        if order is not None and order.phase is VenuePhase.RESTING:
            self._end(order, reason)

    def _end(self, order: VenueOrder, reason: str) -> None:
        del self._orders[order.order_id]
        self._say(VenueCancelled(order.order_id, reason, order.filled_units))

    def _fill(self, order: VenueOrder, parts: Iterable[Level], *, is_maker: bool) -> None:
        """Trade (price, size) parts, in prices of the order's outcome; a taker pays the fee."""
        intent = order.intent
        rate_bps = 0 if is_maker else self._market.fee_rate_bps
        token = self._market.token(intent.side)
        for price_ticks, size_units in parts:
            order.fills_count += 1
            order.filled_units += size_units
            order.left -= unit_cost(intent, price_ticks) * size_units
            is_buy = intent.action is Action.BUY
            self._held_units[token] += size_units if is_buy else -size_units
            fill = FillDetail(
                trade_id=f"recorded-{intent.order_id}-{order.fills_count}",
                price_ticks=price_ticks,
                size_units=size_units,
                fee_nanos=taker_fee_nanos(price_ticks, size_units, rate_bps),
                is_maker=is_maker,
                timestamp_ms=self._scheduler.now_ms,
            )
            self._say(VenueFilled(intent.order_id, fill, is_last=order.is_done))


def _nobody_listens(_news: VenueNews) -> None:
    raise AssertionError("the venue was opened, and nobody listens to it")
