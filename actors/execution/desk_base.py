"""What the desk knows, and what it does again and again: create, refuse, cancel, sell, tell.

Which message leads to what is decided above: halts in ``halting.py``, the rest in ``desk.py``.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.core import Core, Dice, Effects, Record, Save, Send
from actors.directory.messages import Market
from actors.execution.acceptance import Circumstances
from actors.execution.desk_state import DeskState, OrdersCreated
from actors.execution.halts import halt_words
from actors.execution.holdings import Holdings
from actors.execution.intents import intents_for
from actors.execution.messages import (
    CancelEverything,
    CancelRequested,
    HaltReport,
    HaltTrading,
    OpenOrders,
    OrderState,
    OrderUpdated,
    SignalsRefused,
    SubmitOrder,
    TimeInForce,
)
from actors.execution.risk import MINUTE_MS, Exposure, Purchase
from actors.execution.roster import Roster, RosterEntry
from actors.messages import StartChild
from actors.position.messages import PositionSnapshot, PositionWanted
from actors.roles import DESK, EXECUTOR, OBSERVER, POSITION, STRATEGY, SUPERVISOR, order_role
from actors.settings import Settings
from actors.strategy.messages import Action, TradeSignals


class DeskBase(Core):
    """The desk's books: orders, positions, the open window, halts."""

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._state = DeskState()
        self._roster = Roster()
        self._holdings = Holdings()
        self._market: Market | None = None
        self._is_over = False
        self._passing: HaltTrading | None = None
        """The last halt without a name, which lasts until this process ends."""
        self._unconfirmed: CancelEverything | None = None
        """What the real executor was asked to take back, and has not answered yet."""
        self._answered_id = 0

    def clock_set_back(self, by_ms: int) -> None:
        """Orders have been silent for as long as before."""
        self._roster.clock_set_back(by_ms)

    # What holds now

    @property
    def _passing_halt(self) -> str:
        """Why nothing is traded until this process ends; empty if nothing says so."""
        return "" if self._passing is None else self._passing.reason

    @property
    def _halt_reason(self) -> str:
        return halt_words(self._state.halts, self._passing_halt)

    def _position(self) -> PositionSnapshot | None:
        """The open window's position; None while it lacks fills that are known to be booked."""
        if self._market is None:
            return None
        market_id = self._market.market_id
        position = self._holdings.get(market_id)
        required = self._state.window(market_id).required_version
        return position if position is not None and position.version >= required else None

    def _circumstances(self, market: Market, now_ms: int) -> Circumstances:
        market_id = market.market_id
        window = self._state.window(market_id)
        position = self._holdings.get(market_id)
        return Circumstances(
            now_ms=now_ms,
            market=market,
            is_over=self._is_over,
            halt_reason=self._halt_reason,
            stop_reason=window.stop_reason,
            position_version=None if position is None else position.version,
            required_version=max(window.required_version, self._holdings.floor(market_id)),
            accepted=self._state.accepted,
            busy=self._roster.busy(market_id),
            max_book_age_ms=self.settings.strategy.max_book_age_ms,
        )

    def _exposure(self, market: Market, now_ms: int) -> Exposure:
        position = self._holdings.of(market.market_id)
        purchases = (
            Purchase(
                side=entry.intent.side,
                units=entry.unseen_units(position.version),
                price_ticks=entry.intent.price_ticks,
            )
            for entry in self._roster.live(position.market_id)
            if entry.intent.action is Action.BUY
        )
        return Exposure(
            position=position,
            purchases=tuple(purchases),
            live_count=len(self._roster.live()),
            minute_count=self._state.created_in_minute(now_ms // MINUTE_MS),
            day_loss_nanos=self._holdings.day_loss_nanos(now_ms),
        )

    def _is_stopped(self, market_id: str, now_ms: int) -> bool:
        market = self._market
        is_open = (
            market is not None
            and market.market_id == market_id
            and not self._is_over
            and now_ms < market.closes_at_ms
        )
        return bool(self._halt_reason or self._state.window(market_id).stop_reason or not is_open)

    # What is done

    def _refuse(self, message: TradeSignals, reason: str, now_ms: int) -> Effects:
        refused = SignalsRefused(
            market_id=message.market_id, signals=message.signals, reason=reason
        )
        answer = self._tell_open_orders(now_ms, market_id=message.market_id)
        return [Send(OBSERVER, refused), *answer]

    def _create(
        self, message: TradeSignals, market: Market, time_in_force: TimeInForce, now_ms: int
    ) -> Effects:
        """Turn signals into orders: recorded in one piece, then sent, then given their actors."""
        intents = intents_for(
            message,
            market,
            time_in_force,
            numbers_from=self._state.next_number,
            dice=self.dice,
            now_ms=now_ms,
            order_ttl_ms=self.settings.execution.order_ttl_ms,
        )
        orders = [OrderState(intent=intent, updated_at_ms=now_ms) for intent in intents]
        accepted = (message.snapshot_at_ms, message.signals_id)
        minute = now_ms // MINUTE_MS
        self._state = attrs.evolve(
            self._state,
            next_number=self._state.next_number + len(intents),
            accepted=accepted if message.signals_id else self._state.accepted,
            minute=minute,
            minute_count=self._state.created_in_minute(minute) + len(intents),
        )
        self._roster.add(intents, now_ms)
        created = OrdersCreated(
            market_id=market.market_id, signals_id=message.signals_id, intents=intents
        )
        rows = [Save("order", order.intent.order_id, order) for order in orders]
        return [
            Record(created, (*rows, self._save())),
            # The Order says it too, until it is answered; but it has to be found first.
            *(Send(EXECUTOR, SubmitOrder(intent)) for intent in intents),
            *start(intent.order_id for intent in intents),
            *(Send(OBSERVER, OrderUpdated(order)) for order in orders),
            *self._tell_changes(now_ms),
        ]

    def _ask_for_position(self) -> Effects:
        """Ask the ledger again, if the open window's newest position was missed."""
        market = self._market
        if market is None or self._position() is not None:
            return []
        return [Send(POSITION, PositionWanted(market.market_id, DESK))]

    # What is told

    def _tell_changes(self, now_ms: int) -> Effects:
        """Tell everyone who must know which orders are live; the supervisor while it all ends."""
        effects = self._tell_open_orders(now_ms)
        if self._passing_halt:
            # Without the setting the executor has nothing to wait for but these orders.
            is_wide = self.settings.execution.cancel_all_on_halt
            is_account_left = is_wide and self._unconfirmed is not None
            left_count = len(self._roster.live()) + is_account_left
            effects.append(Send(SUPERVISOR, HaltReport(left_count)))
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

    def _save(self) -> Save:
        return Save("desk", "desk", self._state)


def start(order_ids: Iterable[str]) -> Effects:
    """Have orders started, from their record."""
    return [Send(SUPERVISOR, StartChild(order_role(order_id))) for order_id in order_ids]


def cancel(entries: Iterable[RosterEntry], reason: str) -> Effects:
    """Ask orders to end; asked again each round until they have."""
    effects: Effects = []
    for entry in entries:
        entry.cancel_reason = entry.cancel_reason or reason
        effects.append(ask_to_cancel(entry))
    return effects


def ask_to_cancel(entry: RosterEntry) -> Send:
    """Ask one order to end, for the reason it was first asked for."""
    order_id = entry.intent.order_id
    return Send(order_role(order_id), CancelRequested(order_id, entry.cancel_reason))
