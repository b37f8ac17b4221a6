"""The strategy's core: combines snapshot, position and open orders, and sends signals.

It owns nothing that must survive. After a restart it waits for a snapshot, the position and the
open orders of one market, and evaluates only then.

Its messages are paced, because an answer takes a while and a lost one must not block it. After
signals it waits for the desk's answer, at most ANSWER_WAIT_MS. Within that time it does not repeat
the same signals on the same position, even if they were answered. A stop loss is repeated until the
desk shows the market as stopped.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import attrs

from actors.core import (
    CancelTimer,
    Core,
    Dice,
    Effects,
    Record,
    Save,
    Send,
    SetTimer,
    earlier,
    handles,
)
from actors.messages.execution import OpenOrders
from actors.messages.lifecycle import PeerRestarted, SettingsReplaced, Started, TimerFired
from actors.messages.market import MarketSnapshot, PublicTrade, SnapshotTaken, is_overtaken
from actors.messages.position import PositionSnapshot
from actors.messages.strategy import StopLossTriggered
from actors.roles import DESK, MARKET_STATE, OBSERVER
from actors.settings import Settings
from actors.strategy.choice import chosen, make_strategy
from actors.strategy.contract import Context, Decision, TradeLimits
from actors.strategy.position_view import PositionView
from actors.strategy.saying import evaluated, stop_told, trade_signals
from actors.strategy.volatility import Volatility
from actors.units import shares

ANSWER_WAIT_MS = 500
"""How long it waits for the desk's answer, and how often it repeats a stop loss."""
TOLD_EVERY_MS = 1_000
"""How often an evaluation's outcome is shown to people; nobody reads faster."""
MARKETS_KEPT = 8
"""How many markets' positions and open orders are remembered."""
TRADES_KEPT = 10_000
"""How many public trades wait for an evaluation; beyond that the oldest are dropped."""

_ANSWER_TIMER = "answer"
_STOP_LOSS_TIMER = "stop-loss"

_Value = TypeVar("_Value")


class StrategyCore(Core):
    """Evaluates the strategy whenever one of its three inputs has changed."""

    RECOVERS = ("strategy",)

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        """Make the strategy that the settings name.

        Raises:
            StrategyUnavailable: there is none, or it does not follow the contract.
        """
        super().__init__(role, settings, dice)
        self._strategy = make_strategy(settings.strategy)
        self._limits = _limits_of(settings)
        self._trades: tuple[PublicTrade, ...] = ()
        self._memory: tuple[str, object] = ("", None)
        """Market id, and the strategy's memory for its next evaluation."""
        self._snapshot: MarketSnapshot | None = None
        self._tick_ns = 0
        """The snapshot's tick, until an evaluation has used it."""
        self._positions: _Newest[PositionSnapshot] = _Newest()
        self._orders: _Newest[OpenOrders] = _Newest()
        self._known_view: tuple[PositionSnapshot, OpenOrders, PositionView] | None = None
        """The view computed from this position and these orders."""
        self._volatility = Volatility(self._strategy.volatility_half_life_minutes())
        self._last_signals_id = dice.getrandbits(48)
        self._last_wish: tuple[object, ...] = ()
        self._last_wish_at_ms = 0
        self._is_waiting = False
        self._stop_loss: StopLossTriggered | None = None
        self._told_at_ms: int | None = None

    @property
    def is_serving(self) -> bool:
        """Whether snapshot, position and open orders of the current market are known."""
        return self._snapshot is not None and self._view(self._snapshot) is not None

    def clock_set_back(self, by_ms: int) -> None:
        """Keep later snapshots and signals comparable with earlier ones."""
        self._last_wish_at_ms -= by_ms
        self._told_at_ms = earlier(self._told_at_ms, by_ms)
        if self._snapshot is not None:
            taken_at_ms = self._snapshot.taken_at_ms - by_ms
            self._snapshot = self._snapshot.taken_again(taken_at_ms, self._tick_ns)

    def __getstate__(self) -> dict[str, Any]:
        """State without the strategy: its class may be from a file, which the settings name."""
        return {**super().__getstate__(), "_strategy": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._strategy = make_strategy(self.settings.strategy)

    @handles(Started)
    def start(self, started: Started, _now_ms: int) -> Effects:
        """Start empty: everything needed will arrive. Record a user-written strategy once."""
        return self._record_choice(*started.saved)

    @handles(SettingsReplaced)
    def take_settings(self, message: SettingsReplaced, now_ms: int) -> Effects:
        """Recreate the strategy, record it if it is user-written, and use it at once.

        What was remembered of the window and its prices is kept: it belongs to the market.
        """
        before = chosen(self._strategy, self.settings.strategy)
        super().take_settings(message, now_ms)
        half_life_minutes = self._strategy.volatility_half_life_minutes()
        self._strategy = make_strategy(self.settings.strategy)
        self._limits = _limits_of(self.settings)
        if self._strategy.volatility_half_life_minutes() != half_life_minutes:
            self._volatility = Volatility(self._strategy.volatility_half_life_minutes())
        self._last_wish = ()
        return [*self._record_choice(before), *self._evaluate(now_ms)]

    def _record_choice(self, *known: object) -> Effects:
        now = chosen(self._strategy, self.settings.strategy)
        if now is None or now in known:
            return []
        return [Record(now, (Save("strategy", self.role, now),))]

    @handles(MarketSnapshot)
    def take_snapshot(self, snapshot: MarketSnapshot, now_ms: int) -> Effects:
        """Evaluate on the snapshot; acknowledge it in any case, and last."""
        effects: Effects = []
        if not is_overtaken(snapshot, self._snapshot):
            if snapshot.reference_e18 is not None:
                self._volatility.update(snapshot.reference_e18, snapshot.reference_at_ms)
            self._snapshot, self._tick_ns = snapshot, snapshot.tick_ns
            if snapshot.trades:
                self._trades = (*self._trades, *snapshot.trades)[-TRADES_KEPT:]
            effects = self._evaluate(now_ms)
            self._tick_ns = 0
        return [*effects, Send(MARKET_STATE, SnapshotTaken(snapshot.sequence))]

    @handles(PositionSnapshot)
    def take_position(self, position: PositionSnapshot, now_ms: int) -> Effects:
        """Keep the newest position of each window, and evaluate."""
        known = self._positions.get(position.market_id)
        if known is not None and known.version >= position.version:
            return []
        self._positions.put(position.market_id, position)
        return self._evaluate(now_ms)

    @handles(OpenOrders)
    def take_orders(self, orders: OpenOrders, now_ms: int) -> Effects:
        """Keep which sides are busy, note an answer, and evaluate."""
        known = self._orders.get(orders.market_id)
        self._orders.put(orders.market_id, orders)
        if known is not None and attrs.evolve(orders, working=known.working) == known:
            return []  # the progress of orders causes no evaluation
        answered: Effects = []
        if self._is_waiting and orders.answers_signals_id >= self._last_signals_id:
            self._is_waiting = False
            answered = [CancelTimer(_ANSWER_TIMER)]
        return answered + self._evaluate(now_ms)

    @handles(PeerRestarted)
    def greet(self, peer: PeerRestarted, now_ms: int) -> Effects:
        """Start again for a new desk, which lacks the last signals; other peers send first."""
        if peer.role != DESK:
            return []
        self._is_waiting = False
        self._last_wish = ()
        return [CancelTimer(_ANSWER_TIMER), *self._evaluate(now_ms)]

    @handles(TimerFired)
    def wake(self, timer: TimerFired, now_ms: int) -> Effects:
        """Repeat a stop loss, or stop waiting for an answer."""
        if timer.key == _STOP_LOSS_TIMER:
            return self._repeat_stop_loss()
        self._is_waiting = False
        self._last_wish = ()
        return self._evaluate(now_ms)

    def _view(self, snapshot: MarketSnapshot) -> PositionView | None:
        market_id = snapshot.market.market_id
        position, orders = self._positions.get(market_id), self._orders.get(market_id)
        if position is None or orders is None:
            return None
        known = self._known_view
        if known is None or known[0] is not position or known[1] is not orders:
            known = self._known_view = (position, orders, PositionView.of(position, orders))
        return known[2]

    def _evaluate(self, now_ms: int) -> Effects:
        """Decide with what is known now, and send the result."""
        if self._snapshot is None:
            return []
        snapshot = self._snapshot.taken_again(now_ms, self._tick_ns)
        view = self._view(snapshot)
        if view is None or self._is_stop_loss_said(view):
            return []
        context = self._context(snapshot, view)
        decision = self._decide(context)
        told = self._tell(decision, context, now_ms)
        if decision.stop is not None:
            return [*self._say_stop_loss(stop_told(decision.stop, context)), *told]
        return [*self._say_signals(decision, context, now_ms), *told]

    def _context(self, snapshot: MarketSnapshot, view: PositionView) -> Context:
        market_id = snapshot.market.market_id
        orders = self._orders.get(market_id)
        remembered_id, memory = self._memory
        return Context(
            snapshot=snapshot,
            position=view,
            limits=self._limits,
            orders=() if orders is None else orders.working,
            trades=self._trades,
            sigma_dollars=self._volatility.sigma_dollars,
            memory=memory if remembered_id == market_id else None,
        )

    def _decide(self, context: Context) -> Decision:
        """Ask the strategy; its exceptions are meant to bring this actor down.

        A call of ``sys.exit`` is one of them, and not a wish to end the whole process.
        """
        try:
            decision = self._strategy.evaluate(context)
        except SystemExit as wish:
            raise RuntimeError(f"{self._strategy.title}.evaluate raised {wish!r}") from wish
        if not isinstance(decision, Decision):
            what = type(decision).__name__
            raise TypeError(f"{self._strategy.title}.evaluate returned {what}, and no Decision")
        self._trades = ()
        self._memory = (context.market.market_id, decision.memory)
        unready = context.unready_reason() if decision.orders else ""
        if unready:
            withheld = f"orders are withheld: {unready}"
            return attrs.evolve(decision, orders=(), reasons=(*decision.reasons, withheld))
        return decision

    def _tell(self, decision: Decision, context: Context, now_ms: int) -> Effects:
        """Send the outcome, for people; after the signals, so that no order waits for it."""
        if self._told_at_ms is not None and now_ms - self._told_at_ms < TOLD_EVERY_MS:
            return []
        self._told_at_ms = now_ms
        value = self._strategy.fair_value(context)
        return [Send(OBSERVER, evaluated(decision, context, value))]

    def _say_signals(self, decision: Decision, context: Context, now_ms: int) -> Effects:
        if not (decision.orders or decision.cancels) or self._is_waiting:
            return []
        wish = _wish(decision, context)
        if wish == self._last_wish and now_ms - self._last_wish_at_ms < ANSWER_WAIT_MS:
            return []
        self._last_wish, self._last_wish_at_ms = wish, now_ms
        self._last_signals_id += 1
        self._is_waiting = True
        message = trade_signals(
            decision,
            context,
            signals_id=self._last_signals_id,
            orders_per_side=self._strategy.orders_per_side,
            settings_number=self.settings.number,
        )
        return [
            Send(DESK, message),
            SetTimer(_ANSWER_TIMER, ANSWER_WAIT_MS),
            Send(OBSERVER, message),
        ]

    def _is_stop_loss_said(self, view: PositionView) -> bool:
        """Return whether a stop loss on this position is pending; nothing else is sent then."""
        said, snapshot = self._stop_loss, self._snapshot
        return (
            said is not None
            and snapshot is not None
            and said.market_id == snapshot.market.market_id
            and said.position_version == view.position_version
            and not view.is_stopped
        )

    def _say_stop_loss(self, stop_loss: StopLossTriggered) -> Effects:
        self._stop_loss = stop_loss
        return [
            Send(DESK, stop_loss),
            SetTimer(_STOP_LOSS_TIMER, ANSWER_WAIT_MS),
            Send(OBSERVER, stop_loss),
        ]

    def _repeat_stop_loss(self) -> Effects:
        view = None if self._snapshot is None else self._view(self._snapshot)
        if self._stop_loss is None or view is None or not self._is_stop_loss_said(view):
            self._stop_loss = None
            return []
        return [
            Send(DESK, self._stop_loss),
            SetTimer(_STOP_LOSS_TIMER, ANSWER_WAIT_MS),
        ]


def _limits_of(settings: Settings) -> TradeLimits:
    rules = settings.strategy
    return TradeLimits(
        max_trade_units=shares(rules.max_trade_shares),
        max_shares_units=shares(rules.max_shares),
        max_book_age_ms=rules.max_book_age_ms,
    )


class _Newest(Generic[_Value]):
    """The newest value for each of the recent markets."""

    def __init__(self) -> None:
        self._values: dict[str, _Value] = {}

    def get(self, market_id: str) -> _Value | None:
        return self._values.get(market_id)

    def put(self, market_id: str, value: _Value) -> None:
        self._values.pop(market_id, None)
        self._values[market_id] = value
        if len(self._values) > MARKETS_KEPT:
            del self._values[next(iter(self._values))]


def _wish(decision: Decision, context: Context) -> tuple[object, ...]:
    """Return the parts of a decision that could change the desk's answer; reasons cannot."""
    view = context.position
    return (
        context.market.market_id,
        view.position_version,
        view.live_sides,
        *(attrs.evolve(order, reason="") for order in decision.orders),
        *(cancel.order_id for cancel in decision.cancels),
    )
