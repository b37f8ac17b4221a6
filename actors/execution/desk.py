"""The desk: decides what becomes an order, and owns which side is busy.

It never asks whether an order got through. Orders live on their own; the desk creates them in one
record, has them started, and frees their side when it hears that they ended with every fill
booked. ``docs/orders.md`` has the rules and the whole conversation.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.core import Core, Dice, Effects, Log, Record, Save, Send, SetTimer, handles
from actors.directory.messages import Market, MarketClosing, MarketOpened
from actors.execution.acceptance import Circumstances, exit_refusal, refusal
from actors.execution.desk_state import DeskState, OrdersCreated, SideFreed, TradingStopped
from actors.execution.intents import exit_signals, intents_for
from actors.execution.messages import (
    CancelEverything,
    CancelRequested,
    HaltReport,
    HaltTrading,
    OpenOrders,
    OrderClosed,
    OrderDone,
    OrderState,
    OrderUpdated,
    SignalsRefused,
    TimeInForce,
)
from actors.execution.order_state import is_booked, is_complete
from actors.execution.roster import Roster, RosterEntry
from actors.messages import ChildLost, JournalFailed, PeerRestarted, StartChild, Started, TimerFired
from actors.position.messages import PositionSnapshot
from actors.roles import EXECUTOR, OBSERVER, STRATEGY, SUPERVISOR, order_id_of, order_role
from actors.settings import Settings
from actors.strategy.messages import Action, StopLossTriggered, TradeSignals
from actors.units import price_text, size_text

ROUND_MS = 1_000
"""How often the desk looks after what may have been lost: starts, cancels, open orders, exits."""
EXIT_ATTEMPTS_MAX = 10
"""Exits on one position that may miss; after that it is kept to the window's end."""

_ROUND = "round"


class DeskCore(Core):
    """Accepts signals or refuses them, and looks after the orders that came of them."""

    RECOVERS = ("order", "desk")

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._state = DeskState()
        self._roster = Roster()
        self._market: Market | None = None
        self._is_over = False
        self._halt_reason = ""
        self._positions: dict[str, PositionSnapshot] = {}
        self._floors: dict[str, int] = {}
        """By market, the first position version heard: what is older was computed before it."""
        self._answered_id = 0
        self._exit_attempts = 0

    @property
    def is_serving(self) -> bool:
        """Whether a window is open and its position known."""
        return self._market is not None and self._market.market_id in self._positions

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
        self._roster.add(intents, now_ms)
        started = _start(intent.order_id for intent in intents)
        return [*started, SetTimer(_ROUND, ROUND_MS)]

    @handles(PeerRestarted)
    def greet(self, message: PeerRestarted, now_ms: int) -> Effects:
        """Tell a new strategy or observer which sides are busy."""
        if message.role == STRATEGY:
            self._answered_id = 0
        if message.role in (STRATEGY, OBSERVER):
            return self._tell_open_orders(now_ms, to=(message.role,))
        return []

    @handles(TimerFired)
    def look_after(self, _message: TimerFired, now_ms: int) -> Effects:
        """Say again what may not have arrived; nothing here changes anything if it has."""
        return [
            *_start(self._roster.to_start_again(now_ms)),
            *self._repeat_cancels(),
            *self._exit(now_ms),
            *self._tell_changes(now_ms),
            SetTimer(_ROUND, ROUND_MS),
        ]

    # The window

    @handles(MarketOpened)
    def open_window(self, message: MarketOpened, now_ms: int) -> Effects:
        """Trade this window from now on; said again, it may bring newer metadata."""
        known, market = self._market, message.market
        if known is not None and market.closes_at_ms < known.closes_at_ms:
            return []  # a late copy for a window of the past
        self._market = market
        if known is not None and known.market_id == market.market_id:
            return []
        self._is_over = False
        self._exit_attempts = 0
        kept = self._roster.markets() | {market.market_id}
        self._state = self._state.keeping(kept)
        self._positions = {key: value for key, value in self._positions.items() if key in kept}
        self._floors = {key: value for key, value in self._floors.items() if key in kept}
        return self._tell_open_orders(now_ms)

    @handles(MarketClosing)
    def close_window(self, message: MarketClosing, now_ms: int) -> Effects:
        """Take nothing more for the window, and end what rests in it."""
        if self._market is not None and self._market.market_id == message.market_id:
            self._is_over = True
        ending = self._roster.live(message.market_id)
        return [*_cancel(ending, "the window is over"), *self._tell_open_orders(now_ms)]

    @handles(PositionSnapshot)
    def take_position(self, message: PositionSnapshot, _now_ms: int) -> Effects:
        """Note the newest position of a window; signals on what is older than the first wait."""
        known = self._positions.get(message.market_id)
        if known is None or message.version > known.version:
            self._positions[message.market_id] = message
            self._exit_attempts = 0
        self._floors.setdefault(message.market_id, message.version)
        return []

    # Signals

    @handles(TradeSignals)
    def judge(self, message: TradeSignals, now_ms: int) -> Effects:
        """Carry out all of the signals or none, and answer either way."""
        self._answered_id = max(self._answered_id, message.signals_id)
        market = self._market
        if market is None:
            return self._refuse(message, "no window is open", now_ms)
        reason = refusal(message, self._circumstances(market, now_ms))
        if reason is not None:
            return self._refuse(message, reason, now_ms)
        return self._create(message, market, TimeInForce.GTC, now_ms)

    def _refuse(self, message: TradeSignals, reason: str, now_ms: int) -> Effects:
        refused = SignalsRefused(
            market_id=message.market_id, signals=message.signals, reason=reason
        )
        answer = self._tell_open_orders(now_ms, market_id=message.market_id)
        return [Send(OBSERVER, refused), *answer]

    def _create(
        self, message: TradeSignals, market: Market, time_in_force: TimeInForce, now_ms: int
    ) -> Effects:
        """Turn signals into orders: recorded in one piece, then started."""
        intents = intents_for(
            message,
            market,
            time_in_force,
            numbers_from=self._state.next_number,
            dice=self.dice,
            now_ms=now_ms,
            order_ttl_ms=self.settings.execution.order_ttl_ms,
        )
        self._state = attrs.evolve(
            self._state,
            next_number=self._state.next_number + len(intents),
            accepted=max(self._state.accepted, (message.snapshot_at_ms, message.signals_id)),
        )
        self._roster.add(intents, now_ms)
        orders = [OrderState(intent=intent, updated_at_ms=now_ms) for intent in intents]
        created = OrdersCreated(
            market_id=market.market_id, signals_id=message.signals_id, intents=intents
        )
        rows = [Save("order", order.intent.order_id, order) for order in orders]
        return [
            Record(created, (*rows, self._save())),
            *_start(intent.order_id for intent in intents),
            *(Send(OBSERVER, OrderUpdated(order)) for order in orders),
            *self._tell_changes(now_ms),
        ]

    # The stop loss

    @handles(StopLossTriggered)
    def stop(self, message: StopLossTriggered, now_ms: int) -> Effects:
        """Take no more signals for the window; sell the holding, if that is wanted."""
        known = self._state.window(message.market_id)
        wish = message if message.on_stop_loss == "exit" else known.exit_wish
        reason = known.stop_reason or _stop_sentence(message)
        stopped = attrs.evolve(known, stop_reason=reason, exit_wish=wish)
        effects: Effects = []
        if stopped != known:
            self._state = self._state.with_window(message.market_id, stopped)
            event = TradingStopped(market_id=message.market_id, reason=reason, exit_wish=wish)
            effects.append(Record(event, (self._save(),)))
        if wish is not None:
            buys = [
                entry
                for entry in self._roster.live(message.market_id)
                if entry.intent.action is Action.BUY
            ]
            effects += _cancel(buys, reason)
        return [*effects, *self._exit(now_ms), *self._tell_open_orders(now_ms)]

    def _exit(self, now_ms: int) -> Effects:
        """Sell what a stopped window still holds, one order at a time."""
        market = self._market
        if market is None:
            return []
        window = self._state.window(market.market_id)
        position = self._positions.get(market.market_id)
        wish = window.exit_wish
        if wish is None or position is None or position.version < window.required_version:
            return []
        held_units = position.holding(wish.side).quantity_units
        is_one_sided = held_units > 0 and position.holding(wish.side.other).quantity_units == 0
        if not is_one_sided or wish.best_bid_ticks == 0 or self._roster.live(market.market_id):
            return []
        if self._exit_attempts == EXIT_ATTEMPTS_MAX:
            return []
        self._exit_attempts += 1
        sale = exit_signals(wish, held_units, position.version, now_ms)
        reason = exit_refusal(sale.signals[0], self._circumstances(market, now_ms))
        if reason is not None:
            return self._refuse(sale, reason, now_ms)
        return self._create(sale, market, TimeInForce.FAK, now_ms)

    # What orders say

    @handles(OrderUpdated)
    def take_order(self, message: OrderUpdated, now_ms: int) -> Effects:
        """Note a sign of life; free the side of an order that ended, and let it go."""
        order = message.order
        order_id, market_id = order.intent.order_id, order.intent.market.market_id
        entry = self._roster.get(order_id)
        if entry is not None:
            entry.heard_at_ms = now_ms
        if not (is_complete(order) and is_booked(order)):
            return []
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
        return [*effects, *self._tell_changes(now_ms)] if was_live else effects

    @handles(OrderClosed)
    def let_go(self, message: OrderClosed, now_ms: int) -> Effects:
        """An order has left for good."""
        entry = self._roster.remove(message.order_id)
        return [] if entry is None or entry.has_ended else self._tell_changes(now_ms)

    @handles(ChildLost)
    def replace(self, message: ChildLost, now_ms: int) -> Effects:
        """Have a fallen order started again from its record."""
        order_id = order_id_of(message.role)
        if order_id is None or not self._roster.fell(order_id, now_ms):
            return []
        return _start([order_id])

    # Halts

    @handles(HaltTrading)
    def halt(self, message: HaltTrading, now_ms: int) -> Effects:
        """Take no more signals from anyone; end every order, if asked."""
        self._halt_reason = message.reason
        cancels = _cancel(self._roster.live(), message.reason) if message.cancel else []
        if message.cancel and self.settings.execution.mode == "live":
            cancels.append(Send(EXECUTOR, CancelEverything(message.reason)))
        return [*cancels, *self._tell_changes(now_ms)]

    @handles(JournalFailed)
    def halt_unrecorded(self, message: JournalFailed, now_ms: int) -> Effects:
        """Trade nothing that cannot be recorded."""
        reason = f"{message.role} cannot record: {message.reason}"
        return [Log("error", reason), *self.halt(HaltTrading(reason, cancel=True), now_ms)]

    # Small things

    def _circumstances(self, market: Market, now_ms: int) -> Circumstances:
        market_id = market.market_id
        window = self._state.window(market_id)
        position = self._positions.get(market_id)
        return Circumstances(
            now_ms=now_ms,
            market=market,
            is_over=self._is_over,
            halt_reason=self._halt_reason,
            stop_reason=window.stop_reason,
            position_version=None if position is None else position.version,
            required_version=max(window.required_version, self._floors.get(market_id, 0)),
            accepted=self._state.accepted,
            busy=self._roster.busy(market_id),
            live_count=len(self._roster.live()),
            max_open_orders=self.settings.execution.max_open_orders,
            max_book_age_ms=self.settings.strategy.max_book_age_ms,
        )

    def _tell_changes(self, now_ms: int) -> Effects:
        """Tell everyone who must know which orders are live."""
        effects = self._tell_open_orders(now_ms)
        if self._halt_reason:
            effects.append(Send(SUPERVISOR, HaltReport(len(self._roster.live()))))
        return effects

    def _tell_open_orders(
        self,
        now_ms: int,
        *,
        market_id: str | None = None,
        to: tuple[str, ...] = (STRATEGY, OBSERVER),
    ) -> Effects:
        """Tell which sides are busy in a market; in the open one, unless another is named."""
        if market_id is None:
            if self._market is None:
                return []
            market_id = self._market.market_id
        busy = self._roster.busy(market_id)
        message = OpenOrders(
            market_id=market_id,
            live=tuple(busy.items()),
            is_stopped=self._is_stopped(market_id, now_ms),
            answers_signals_id=self._answered_id,
        )
        return [Send(role, message) for role in to]

    def _is_stopped(self, market_id: str, now_ms: int) -> bool:
        market = self._market
        is_open = (
            market is not None
            and market.market_id == market_id
            and not self._is_over
            and now_ms < market.closes_at_ms
        )
        return bool(self._halt_reason or self._state.window(market_id).stop_reason or not is_open)

    def _repeat_cancels(self) -> Effects:
        return [_ask_to_cancel(entry) for entry in self._roster.live() if entry.cancel_reason]

    def _save(self) -> Save:
        return Save("desk", "desk", self._state)


def _start(order_ids: Iterable[str]) -> Effects:
    return [Send(SUPERVISOR, StartChild(order_role(order_id))) for order_id in order_ids]


def _cancel(entries: Iterable[RosterEntry], reason: str) -> Effects:
    """Ask orders to end; asked again each round until they have."""
    effects: Effects = []
    for entry in entries:
        entry.cancel_reason = entry.cancel_reason or reason
        effects.append(_ask_to_cancel(entry))
    return effects


def _ask_to_cancel(entry: RosterEntry) -> Send:
    order_id = entry.intent.order_id
    return Send(order_role(order_id), CancelRequested(order_id, entry.cancel_reason))


def _stop_sentence(message: StopLossTriggered) -> str:
    return (
        f"stop loss: {message.side.value} bid {price_text(message.best_bid_ticks)} "
        f"with {size_text(message.held_units)} held"
    )
