"""The desk: decides which signals become orders, and owns which side is busy.

It never asks whether an order has arrived. Each order has an actor of its own; the desk creates
orders in one record, has them started, and frees their side when it hears that they ended with
every fill booked. ``docs/orders.md`` has the rules and the whole sequence of messages.
"""

from __future__ import annotations

import attrs

from actors.core import Core, Dice, Effects, Log, Record, Send, SetTimer, handles
from actors.execution.acceptance import group_refusal, groups_of, refusal, sale_refusal
from actors.execution.desk_memory import DeskMemory, TradedWindow, ask_to_cancel, cancel, start
from actors.execution.desk_state import DeskState, SideFreed, TradingStopped
from actors.execution.exits import ask_for_books, next_sale, sale_into
from actors.execution.halting import (
    ask_executor,
    halt_in_passing,
    halt_lastingly,
    halt_status,
    lift,
    take_back_again,
)
from actors.execution.order_state import is_booked
from actors.execution.protections import pause_reason
from actors.execution.risk import BrokenLimit, broken_limit
from actors.messages.directory import MarketClosing, MarketOpened
from actors.messages.execution import OrderClosed, OrderDone, OrderIntent, OrderState, OrderUpdated
from actors.messages.halts import (
    EverythingCancelled,
    FlattenHoldings,
    GetHalts,
    Halt,
    HaltTrading,
    ResumeTrading,
)
from actors.messages.lifecycle import ChildLost, JournalFailed, PeerRestarted, Started, TimerFired
from actors.messages.market import MarketSnapshot
from actors.messages.position import PositionSnapshot
from actors.messages.strategy import StopLossTriggered, TradeSignals
from actors.model import Action
from actors.roles import EXECUTOR, OBSERVER, REPLY, STRATEGY, base_role, order_id_of, order_role
from actors.settings import ACCOUNT_LIMITS, Settings
from actors.units import price_text, size_text

ROUND_MS = 1_000
"""How often the desk repeats what may have been lost: starts, cancels, open orders, exits."""

QUIET_ROUNDS = 5
"""While no order is open, it repeats that in every n-th round; changes are sent at once."""

_ROUND = "round"
_UNTOLD_KEPT = 128
"""How many recorded windows are kept while a series' window is still unknown: more than the orders
of all series can belong to until then."""


class DeskCore(Core):
    """Accepts or refuses signals, manages the resulting orders, and halts."""

    RECOVERS = ("order", "desk")

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._known = DeskMemory(self)
        self._rounds_count = 0

    def clock_set_back(self, by_ms: int) -> None:
        """Shift the times of orders' last messages back by as much as the clock was."""
        self._known.open_orders.clock_set_back(by_ms)

    @property
    def is_serving(self) -> bool:
        """Whether a window is open and its position known."""
        known = self._known
        return any(known.holdings.get(each) is not None for each in known.open_ids())

    # Starting

    @handles(Started)
    def start(self, message: Started, now_ms: int) -> Effects:
        """Restore the orders with an open record, and start each of them."""
        intents = []
        for value in message.saved:
            if isinstance(value, DeskState):
                self._known.state = value
            elif isinstance(value, OrderState):
                intents.append(value.intent)
        self._known.open_orders.add(intents, now_ms)
        take_back_again(self._known)
        started = start(intent.order_id for intent in intents)
        return [*started, SetTimer(_ROUND, ROUND_MS)]

    @handles(PeerRestarted)
    def resend_to_restarted(self, message: PeerRestarted, now_ms: int) -> Effects:
        """Resend busy sides to a new strategy or observer, and cancels to a new executor."""
        for series, traded in self._known.windows.items():
            if message.role == self.settings.role(STRATEGY, series):
                traded.answered_id = 0
        if base_role(message.role) in (STRATEGY, OBSERVER):
            return self._known.tell_all_orders(now_ms, to=message.role)
        return ask_executor(self._known) if message.role == EXECUTOR else []

    @handles(TimerFired)
    def repeat(self, _message: TimerFired, now_ms: int) -> Effects:
        """Repeat what may have been lost; if it was not, this has no effect."""
        return [
            *start(self._known.open_orders.to_start_again(now_ms)),
            *(ask_to_cancel(each) for each in self._known.open_orders.live() if each.cancel_reason),
            *ask_executor(self._known),
            *self._known.ask_for_positions(),
            *ask_for_books(self._known),
            *self._report_again(now_ms),
            SetTimer(_ROUND, ROUND_MS),
        ]

    def _report_again(self, now_ms: int) -> Effects:
        """Report which sides are busy: every round while an order is open, otherwise rarely."""
        self._rounds_count += 1
        if self._known.open_orders.live() or self._rounds_count % QUIET_ROUNDS == 0:
            return self._known.tell_changes(now_ms)
        return self._known.halt_report()

    # The window

    @handles(MarketOpened)
    def open_window(self, message: MarketOpened, now_ms: int) -> Effects:
        """Trade this window from now on; a repetition may bring newer metadata."""
        market = message.market
        known = self._known.windows.get(market.series)
        if known is not None and market.closes_at_ms < known.market.closes_at_ms:
            return []  # a late copy for an earlier window
        if known is not None and known.market_id == market.market_id:
            known.market = market
            return []
        self._known.windows[market.series] = TradedWindow(market)
        self._forget_windows()
        return [*self._known.tell_open_orders(market.market_id, now_ms)]

    def _forget_windows(self) -> None:
        """Forget windows that are no longer needed.

        After a restart, the recorded windows may include that of a series that was not announced
        yet.
        """
        kept = self._known.open_orders.markets().union(self._known.open_ids())
        is_untold = len(self._known.windows) < len(self.settings.plans)
        newest = [*self._known.state.windows][-_UNTOLD_KEPT:] if is_untold else []
        self._known.state = self._known.state.keeping(kept.union(newest))
        self._known.holdings.keep(kept.union(newest))

    @handles(MarketClosing)
    def close_window(self, message: MarketClosing, now_ms: int) -> Effects:
        """Accept no more signals for the window, and end its resting orders."""
        traded = self._known.window(message.market_id)
        if traded is not None:
            traded.is_over = True
        ending = cancel(self._known.open_orders.live(message.market_id), "the window is over")
        return [*ending, *self._known.tell_all_orders(now_ms)]

    @handles(PositionSnapshot)
    def take_position(self, message: PositionSnapshot, _now_ms: int) -> Effects:
        """Note the newest position of a window; before the first one no signals are accepted."""
        traded = self._known.window(message.market_id)
        if self._known.holdings.take(message) and traded is not None:
            traded.exit_attempts = 0
        return []

    # Signals

    @handles(TradeSignals)
    def judge_signals(self, message: TradeSignals, now_ms: int) -> Effects:
        """Carry out the cancels and the acceptable signals, and answer in any case."""
        if not self._known.windows:
            return self._known.refuse(message, "no window is open", now_ms)
        known = self._known.window(message.market_id)
        traded = known or next(iter(self._known.windows.values()))
        if known is None and len(self._known.windows) > 1:
            reason = f"they are for {message.market_id}, which is no open window"
            return self._known.refuse(message, reason, now_ms)
        traded.answered_id = max(traded.answered_id, message.signals_id)
        cancels = self._take_back(message)
        market = traded.market
        if not message.signals:
            return [*cancels, *self._known.tell_open_orders(message.market_id, now_ms)]
        refused = refusal(message, self._known.circumstances(traded, market, now_ms))
        if refused is not None:
            return [*cancels, *self._known.refuse(message, refused, now_ms)]
        return [*cancels, *self._judge_groups(message, traded, now_ms)]

    def _take_back(self, message: TradeSignals) -> Effects:
        """Cancel the orders named by the strategy, if they are open and in its own window."""
        effects: Effects = []
        for wanted in message.cancels:
            entry = self._known.open_orders.get(wanted.order_id)
            if entry is None or entry.has_ended:
                continue
            if entry.intent.market.market_id == message.market_id:
                effects += cancel([entry], wanted.reason)
        return effects

    def _judge_groups(self, message: TradeSignals, traded: TradedWindow, now_ms: int) -> Effects:
        """Judge one signal or pair after another; each takes those accepted before into account."""
        known, market = self._known, traded.market
        settings = self.settings.of(market.series)
        intents: list[OrderIntent] = []
        refusals: Effects = []
        for group in groups_of(message):
            reason = group_refusal(group, known.circumstances(traded, market, now_ms))
            if reason is None:
                reason = pause_reason(group, known.tracked(market, now_ms), settings.protections)
            if reason is not None:
                refusals += known.refuse(group, reason, now_ms)
                continue
            broken = broken_limit(group, known.exposure(market, now_ms), settings)
            if broken is None:
                intents += known.take(group, market, now_ms)
                continue
            refusals += self._guard(group, broken, now_ms)
            if broken.limit in self.settings.risk.halt_on:
                break  # trading has been halted
        created = known.commit(message.signals_id, intents, market, now_ms) if intents else []
        return [*created, *refusals]

    def _guard(self, message: TradeSignals, broken: BrokenLimit, now_ms: int) -> Effects:
        """Refuse signals that would break a limit, and halt if that limit says so."""
        halted: Effects = []
        if broken.limit in self.settings.risk.halt_on:
            traded = self._known.window(message.market_id)
            is_wide = broken.limit in ACCOUNT_LIMITS or not self.settings.traded
            halt = Halt(
                who=f"limit {broken.limit}",
                reason=broken.reason,
                since_ms=now_ms,
                cancels=True,
                series="" if is_wide or traded is None else traded.market.series,
            )
            halted = halt_lastingly(self._known, halt, now_ms)
        return [*halted, *self._known.refuse(message, broken.reason, now_ms)]

    # The stop loss

    @handles(StopLossTriggered)
    def stop(self, message: StopLossTriggered, now_ms: int) -> Effects:
        """Refuse further signals for the window; sell the holding if the message says so."""
        before = self._known.state.window(message.market_id)
        exit_wish = message if message.on_stop_loss == "exit" else before.exit_wish
        reason = before.stop_reason or message.reason or _stop_sentence(message)
        stopped = attrs.evolve(before, stop_reason=reason, exit_wish=exit_wish)
        effects: Effects = []
        if stopped != before:
            state = self._known.state.with_window(message.market_id, stopped)
            traded = self._known.window(message.market_id)
            self._known.state = state if traded is None else state.stop_loss_in(traded.market)
            event = TradingStopped(market_id=message.market_id, reason=reason, exit_wish=exit_wish)
            effects.append(Record(event, (self._known.save(),)))
        if exit_wish is not None:
            buys = [
                entry
                for entry in self._known.open_orders.live(message.market_id)
                if entry.intent.action is Action.BUY
            ]
            effects += cancel(buys, reason)
        return [
            *effects,
            *ask_for_books(self._known),
            *self._known.tell_changes(now_ms, message.market_id),
        ]

    @handles(MarketSnapshot)
    def sell_into(self, message: MarketSnapshot, now_ms: int) -> Effects:
        """Sell into the requested book; a late or repeated copy has no effect."""
        traded = self._known.window(message.market.market_id)
        position = self._known.position(message.market.market_id)
        sale = None if traded is None else next_sale(self._known, traded)
        if traded is None or position is None or sale is None:
            return []
        max_book_age_ms = self.settings.of(traded.market.series).strategy.max_book_age_ms
        signals = sale_into(message, sale, position, max_book_age_ms, now_ms)
        if isinstance(signals, str):
            traded.book_note, traded.sale_refusal = signals, ""
            return []
        at = self._known.circumstances(traded, message.market, now_ms)
        refused = sale_refusal(signals.signals[0], at) or ""
        is_new = refused != traded.sale_refusal
        traded.book_note, traded.sale_refusal = "", refused
        if refused:
            return self._known.refuse(signals, refused, now_ms) if is_new else []
        traded.exit_attempts += 1
        intents = self._known.take(signals, traded.market, now_ms)
        return self._known.commit(signals.signals_id, intents, traded.market, now_ms)

    # Halts

    @handles(HaltTrading)
    def halt(self, message: HaltTrading, now_ms: int) -> Effects:
        """Refuse all signals from now on; cancel every order if asked."""
        if not message.who:
            return halt_in_passing(self._known, message, now_ms)
        halt = Halt(
            who=message.who,
            reason=message.reason,
            since_ms=now_ms,
            cancels=message.cancel,
            series=message.series,
        )
        is_asked = message.request_id != 0
        halted = halt_lastingly(self._known, halt, now_ms, is_asked=is_asked)
        return [*halted, *self._answer(message.request_id, now_ms)]

    @handles(JournalFailed)
    def halt_unrecorded(self, message: JournalFailed, now_ms: int) -> Effects:
        """Stop trading, because nothing can be recorded."""
        reason = f"{message.role} cannot record: {message.reason}"
        return [Log("error", reason), *self.halt(HaltTrading(reason, cancel=True), now_ms)]

    @handles(FlattenHoldings)
    def flatten(self, message: FlattenHoldings, now_ms: int) -> Effects:
        """Halt, cancel everything, and sell the excess of one side."""
        self._known.try_sales_again()
        halt = Halt(
            who=message.who,
            reason=message.reason,
            since_ms=now_ms,
            cancels=True,
            flattens=True,
            series=message.series,
        )
        return [
            *halt_lastingly(self._known, halt, now_ms, is_asked=True),
            *ask_for_books(self._known),
            *self._answer(message.request_id, now_ms),
        ]

    @handles(ResumeTrading)
    def resume(self, message: ResumeTrading, now_ms: int) -> Effects:
        """Trade again, except where a cause of a halt persists."""
        lifted = lift(self._known, message, now_ms)
        return [*lifted, *self._answer(message.request_id, now_ms)]

    @handles(GetHalts)
    def show_halts(self, message: GetHalts, now_ms: int) -> Effects:
        """Report what is halted."""
        return self._answer(message.request_id, now_ms)

    @handles(EverythingCancelled)
    def note_cancelled(self, message: EverythingCancelled, now_ms: int) -> Effects:
        """Continue with what waited for the executor to cancel everything."""
        asked = self._known.unconfirmed
        if asked is None or asked.asked_at_ms != message.asked_at_ms:
            return []
        self._known.unconfirmed = None
        return [*ask_for_books(self._known), *self._known.tell_changes(now_ms)]

    def _answer(self, request_id: int, now_ms: int) -> Effects:
        status = halt_status(self._known, request_id, now_ms)
        return [Send(REPLY, status)] if request_id else []

    # Reports from orders

    @handles(OrderUpdated)
    def take_order(self, message: OrderUpdated, now_ms: int) -> Effects:
        """Note that an order is alive; if it has ended, free its side and release its actor."""
        order = message.order
        order_id, market_id = order.intent.order_id, order.intent.market.market_id
        entry = self._known.open_orders.get(order_id)
        has_traded = False
        if entry is not None:
            has_traded = order.fills != (() if entry.order is None else entry.order.fills)
            entry.heard_at_ms, entry.order = now_ms, order
        if not (order.is_terminal and is_booked(order)):
            return self._known.tell_strategy(market_id, now_ms) if has_traded else []
        done = Send(order_role(order_id), OrderDone(order_id))
        if entry is None:
            return [done]
        was_live, entry.has_ended = not entry.has_ended, True
        window = self._known.state.window(market_id)
        effects: Effects = []
        if order.position_version > window.required_version:
            window = attrs.evolve(window, required_version=order.position_version)
            self._known.state = self._known.state.with_window(market_id, window)
            freed = SideFreed(
                order_id=order_id,
                market_id=market_id,
                status=order.status,
                required_version=window.required_version,
            )
            effects.append(Record(freed, (self._known.save(),)))
        effects.append(done)
        return [*effects, *self._known.tell_changes(now_ms, market_id)] if was_live else effects

    @handles(OrderClosed)
    def remove(self, message: OrderClosed, now_ms: int) -> Effects:
        """Remove an order whose actor has closed its record."""
        entry = self._known.open_orders.remove(message.order_id)
        if entry is None or entry.has_ended:
            return []
        return self._known.tell_changes(now_ms, entry.intent.market.market_id)

    @handles(ChildLost)
    def replace(self, message: ChildLost, now_ms: int) -> Effects:
        """Restart a crashed order from its record."""
        order_id = order_id_of(message.role)
        if order_id is None or not self._known.open_orders.note_crash(order_id, now_ms):
            return []
        return start([order_id])


def _stop_sentence(message: StopLossTriggered) -> str:
    return (
        f"stop loss: {message.side.value} bid {price_text(message.best_bid_ticks)} "
        f"with {size_text(message.held_units)} held"
    )
