"""The desk: decides what becomes an order, and owns which side is busy.

It never asks whether an order got through. Orders live on their own; the desk creates them in one
record, has them started, and frees their side when it hears that they ended with every fill
booked. ``docs/orders.md`` has the rules and the whole conversation.
"""

from __future__ import annotations

import attrs

from actors.core import Effects, Record, Send, SetTimer, handles
from actors.execution.acceptance import group_refusal, groups_of, refusal
from actors.execution.desk_base import ask_to_cancel, cancel, start
from actors.execution.desk_state import DeskState, SideFreed, TradingStopped
from actors.execution.halting import HaltingDesk
from actors.execution.order_state import is_booked
from actors.execution.protections import pause_reason
from actors.execution.risk import BrokenLimit, broken_limit
from actors.execution.traded_window import TradedWindow
from actors.messages.directory import MarketClosing, MarketOpened
from actors.messages.execution import (
    OrderClosed,
    OrderDone,
    OrderIntent,
    OrderState,
    OrderUpdated,
)
from actors.messages.halts import Halt
from actors.messages.lifecycle import ChildLost, PeerRestarted, Started, TimerFired
from actors.messages.position import PositionSnapshot
from actors.messages.strategy import StopLossTriggered, TradeSignals
from actors.model import Action
from actors.roles import EXECUTOR, OBSERVER, STRATEGY, base_role, order_id_of, order_role
from actors.settings import ACCOUNT_LIMITS
from actors.units import price_text, size_text

ROUND_MS = 1_000
"""How often the desk looks after what may have been lost: starts, cancels, open orders, exits."""

_ROUND = "round"
_UNTOLD_KEPT = 128
"""Recorded windows that are kept while some series' window is still to be told: more than orders
can have come of in all series until then."""


class DeskCore(HaltingDesk):
    """Accepts signals or refuses them, and looks after the orders that came of them."""

    RECOVERS = ("order", "desk")

    @property
    def is_serving(self) -> bool:
        """Whether a window is open and its position known."""
        return any(self._holdings.get(market_id) is not None for market_id in self._open_ids())

    # Beginning

    @handles(Started)
    def start(self, message: Started, now_ms: int) -> Effects:
        """Take over the orders whose record is open, and have each of them started."""
        intents = []
        for value in message.saved:
            if isinstance(value, DeskState):
                self._state = value
            elif isinstance(value, OrderState):
                intents.append(value.intent)
        self._open_orders.add(intents, now_ms)
        self._cancel_recovered()
        started = start(intent.order_id for intent in intents)
        return [*started, SetTimer(_ROUND, ROUND_MS)]

    @handles(PeerRestarted)
    def greet(self, message: PeerRestarted, now_ms: int) -> Effects:
        """Tell a new strategy or observer which sides are busy; ask a new executor to cancel."""
        for series, traded in self._windows.items():
            if message.role == self.settings.role(STRATEGY, series):
                traded.answered_id = 0
        if base_role(message.role) in (STRATEGY, OBSERVER):
            return self._tell_all_orders(now_ms, to=message.role)
        return self._ask_executor() if message.role == EXECUTOR else []

    @handles(TimerFired)
    def look_after(self, _message: TimerFired, now_ms: int) -> Effects:
        """Say again what may not have arrived; nothing here changes anything if it has."""
        return [
            *start(self._open_orders.to_start_again(now_ms)),
            *(ask_to_cancel(each) for each in self._open_orders.live() if each.cancel_reason),
            *self._ask_executor(),
            *self._ask_for_positions(),
            *self._ask_for_books(),
            *self._tell_changes(now_ms),
            SetTimer(_ROUND, ROUND_MS),
        ]

    # The window

    @handles(MarketOpened)
    def open_window(self, message: MarketOpened, now_ms: int) -> Effects:
        """Trade this window from now on; said again, it may bring newer metadata."""
        market = message.market
        known = self._windows.get(market.series)
        if known is not None and market.closes_at_ms < known.market.closes_at_ms:
            return []  # a late copy for a window of the past
        if known is not None and known.market_id == market.market_id:
            known.market = market
            return []
        self._windows[market.series] = TradedWindow(market)
        self._forget_windows()
        return [*self._tell_open_orders(market.market_id, now_ms)]

    def _forget_windows(self) -> None:
        """Forget windows that are no longer of interest.

        After a restart a series whose window is still to be told may have one among those recorded.
        """
        kept = self._open_orders.markets().union(self._open_ids())
        is_untold = len(self._windows) < len(self.settings.plans)
        newest = [*self._state.windows][-_UNTOLD_KEPT:] if is_untold else []
        self._state = self._state.keeping(kept.union(newest))
        self._holdings.keep(kept.union(newest))

    @handles(MarketClosing)
    def close_window(self, message: MarketClosing, now_ms: int) -> Effects:
        """Take nothing more for the window, and end what rests in it."""
        traded = self._window(message.market_id)
        if traded is not None:
            traded.is_over = True
        ending = cancel(self._open_orders.live(message.market_id), "the window is over")
        return [*ending, *self._tell_all_orders(now_ms)]

    @handles(PositionSnapshot)
    def take_position(self, message: PositionSnapshot, _now_ms: int) -> Effects:
        """Note the newest position of a window; signals on what is older than the first wait."""
        traded = self._window(message.market_id)
        if self._holdings.take(message) and traded is not None:
            traded.exit_attempts = 0
        return []

    # Signals

    @handles(TradeSignals)
    def judge(self, message: TradeSignals, now_ms: int) -> Effects:
        """Obey the cancels, carry out what signals can be, and answer in any case."""
        if not self._windows:
            return self._refuse(message, "no window is open", now_ms)
        known = self._window(message.market_id)
        traded = known or next(iter(self._windows.values()))
        if known is None and len(self._windows) > 1:
            reason = f"they are for {message.market_id}, which is no open window"
            return self._refuse(message, reason, now_ms)
        traded.answered_id = max(traded.answered_id, message.signals_id)
        cancels = self._take_back(message)
        market = traded.market
        if not message.signals:
            return [*cancels, *self._tell_open_orders(message.market_id, now_ms)]
        refused = refusal(message, self._circumstances(traded, market, now_ms))
        if refused is not None:
            return [*cancels, *self._refuse(message, refused, now_ms)]
        return [*cancels, *self._judge_groups(message, traded, now_ms)]

    def _take_back(self, message: TradeSignals) -> Effects:
        """Cancel what the strategy wants back: orders of its own window that have not ended."""
        effects: Effects = []
        for wanted in message.cancels:
            entry = self._open_orders.get(wanted.order_id)
            if entry is None or entry.has_ended:
                continue
            if entry.intent.market.market_id == message.market_id:
                effects += cancel([entry], wanted.reason)
        return effects

    def _judge_groups(self, message: TradeSignals, traded: TradedWindow, now_ms: int) -> Effects:
        """Judge one signal or pair after the other; what was accepted counts for the next."""
        market = traded.market
        intents: list[OrderIntent] = []
        refusals: Effects = []
        for group in groups_of(message):
            reason = group_refusal(group, self._circumstances(traded, market, now_ms))
            if reason is None:
                tracked, rules = self._tracked(market, now_ms), self._settings(market).protections
                reason = pause_reason(group, tracked, rules)
            if reason is not None:
                refusals += self._refuse(group, reason, now_ms)
                continue
            exposure = self._exposure(market, now_ms)
            broken = broken_limit(group, exposure, self._settings(market))
            if broken is None:
                intents += self._take(group, market, now_ms)
                continue
            refusals += self._guard(group, broken, now_ms)
            if broken.limit in self.settings.risk.halt_on:
                break  # nothing more is traded
        created = self._commit(message.signals_id, intents, market, now_ms) if intents else []
        return [*created, *refusals]

    def _guard(self, message: TradeSignals, broken: BrokenLimit, now_ms: int) -> Effects:
        """Refuse signals that would break a limit; halt as well, if that limit is to."""
        halted: Effects = []
        if broken.limit in self.settings.risk.halt_on:
            traded = self._window(message.market_id)
            is_wide = broken.limit in ACCOUNT_LIMITS or not self.settings.traded
            halt = Halt(
                who=f"limit {broken.limit}",
                reason=broken.reason,
                since_ms=now_ms,
                cancels=True,
                series="" if is_wide or traded is None else traded.market.series,
            )
            halted = self._halt(halt, now_ms)
        return [*halted, *self._refuse(message, broken.reason, now_ms)]

    # The stop loss

    @handles(StopLossTriggered)
    def stop(self, message: StopLossTriggered, now_ms: int) -> Effects:
        """Take no more signals for the window; sell the holding, if that is wanted."""
        known = self._state.window(message.market_id)
        wish = message if message.on_stop_loss == "exit" else known.exit_wish
        reason = known.stop_reason or message.reason or _stop_sentence(message)
        stopped = attrs.evolve(known, stop_reason=reason, exit_wish=wish)
        effects: Effects = []
        if stopped != known:
            self._state = self._state.with_window(message.market_id, stopped)
            traded = self._window(message.market_id)
            if traded is not None:
                self._state = self._state.stop_loss_in(traded.market)
            event = TradingStopped(market_id=message.market_id, reason=reason, exit_wish=wish)
            effects.append(Record(event, (self._save(),)))
        if wish is not None:
            buys = [
                entry
                for entry in self._open_orders.live(message.market_id)
                if entry.intent.action is Action.BUY
            ]
            effects += cancel(buys, reason)
        return [*effects, *self._ask_for_books(), *self._tell_changes(now_ms, message.market_id)]

    # What orders say

    @handles(OrderUpdated)
    def take_order(self, message: OrderUpdated, now_ms: int) -> Effects:
        """Note a sign of life; free the side of an order that ended, and let it go."""
        order = message.order
        order_id, market_id = order.intent.order_id, order.intent.market.market_id
        entry = self._open_orders.get(order_id)
        has_traded = False
        if entry is not None:
            has_traded = order.fills != (() if entry.order is None else entry.order.fills)
            entry.heard_at_ms, entry.order = now_ms, order
        if not (order.is_terminal and is_booked(order)):
            return self._tell_strategy(market_id, now_ms) if has_traded else []
        done = Send(order_role(order_id), OrderDone(order_id))
        if entry is None:
            return [done]
        was_live, entry.has_ended = not entry.has_ended, True
        window = self._state.window(market_id)
        effects: Effects = []
        if order.position_version > window.required_version:
            window = attrs.evolve(window, required_version=order.position_version)
            self._state = self._state.with_window(market_id, window)
            freed = SideFreed(
                order_id=order_id,
                market_id=market_id,
                status=order.status,
                required_version=window.required_version,
            )
            effects.append(Record(freed, (self._save(),)))
        effects.append(done)
        return [*effects, *self._tell_changes(now_ms, market_id)] if was_live else effects

    @handles(OrderClosed)
    def let_go(self, message: OrderClosed, now_ms: int) -> Effects:
        """An order has left for good."""
        entry = self._open_orders.remove(message.order_id)
        if entry is None or entry.has_ended:
            return []
        return self._tell_changes(now_ms, entry.intent.market.market_id)

    @handles(ChildLost)
    def replace(self, message: ChildLost, now_ms: int) -> Effects:
        """Have a fallen order started again from its record."""
        order_id = order_id_of(message.role)
        if order_id is None or not self._open_orders.fell(order_id, now_ms):
            return []
        return start([order_id])


def _stop_sentence(message: StopLossTriggered) -> str:
    return (
        f"stop loss: {message.side.value} bid {price_text(message.best_bid_ticks)} "
        f"with {size_text(message.held_units)} held"
    )
