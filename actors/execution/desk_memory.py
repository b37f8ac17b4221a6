"""The desk's memory: what it knows, what follows from that, and how it is recorded and reported.

``desk.py`` decides which message leads to what.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from actors.core import Core, Effects, Record, Save, Send
from actors.execution.acceptance import Circumstances
from actors.execution.desk_state import DeskState, OrdersCreated
from actors.execution.holdings import Holdings
from actors.execution.open_order_table import OpenOrderTable, TrackedOrder
from actors.execution.protections import TrackedSeries
from actors.execution.risk import MINUTE_MS, Exposure, Purchase, cost_nanos
from actors.messages.execution import (
    CancelRequested,
    OpenOrders,
    OrderIntent,
    OrderState,
    OrderUpdated,
    SignalsRefused,
    SubmitOrder,
)
from actors.messages.halts import CancelEverything, HaltReport, HaltTrading, halt_words, halts_of
from actors.messages.lifecycle import StartChild
from actors.messages.position import PositionSnapshot, PositionWanted
from actors.messages.strategy import TradeSignal, TradeSignals
from actors.model import Action, Market, Side
from actors.roles import (
    DESK,
    EXECUTOR,
    OBSERVER,
    POSITION,
    REPLY,
    STRATEGY,
    SUPERVISOR,
    base_role,
    order_role,
)
from actors.settings import Settings


@attrs.define
class TradedWindow:
    """The newest window of one series; it stays until the next one opens."""

    market: Market
    is_over: bool = False
    """Whether its end was announced."""
    answered_id: int = 0
    """Number of the newest signals that were answered."""
    exit_attempts: int = 0
    """The desk's own sales since the position last changed."""
    book_note: str = ""
    """Why the last book could not be sold into."""
    sale_refusal: str = ""
    """Why the last sale was not made: it is too small."""

    @property
    def market_id(self) -> str:
        """The market's id."""
        return self.market.market_id

    def is_open(self, now_ms: int) -> bool:
        """Return whether it can still be traded."""
        return not self.is_over and now_ms < self.market.closes_at_ms


class DeskMemory:
    """Orders, positions, open windows and halts, and what follows from them."""

    def __init__(self, desk: Core) -> None:
        """Begin empty; ``desk`` provides the current settings and the dice."""
        self._desk = desk
        self.state = DeskState()
        self.open_orders = OpenOrderTable()
        self.holdings = Holdings()
        self.windows: dict[str, TradedWindow] = {}
        """The newest window of each series, by the series' name."""
        self.passing: HaltTrading | None = None
        """The last halt without a name, which lasts until this process ends."""
        self.unconfirmed: CancelEverything | None = None
        """The request to cancel everything that the real executor has not answered yet."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._desk.settings

    # Current state

    @property
    def passing_halt(self) -> str:
        """Why nothing is traded until this process ends; empty if nothing forbids it."""
        return "" if self.passing is None else self.passing.reason

    def halt_reason(self, market: Market) -> str:
        """Return why nothing is traded in a market's series; empty if nothing forbids it."""
        halts = halts_of(self.state.halts, market.series)
        return halt_words(halts, self.passing_halt)

    def window(self, market_id: str) -> TradedWindow | None:
        """Return the open window of this market; None if it is not open."""
        return next((each for each in self.windows.values() if each.market_id == market_id), None)

    def position(self, market_id: str) -> PositionSnapshot | None:
        """Return a window's position; None while it lacks fills that are known to be booked."""
        position = self.holdings.get(market_id)
        required = self.state.window(market_id).required_version
        return position if position is not None and position.version >= required else None

    def circumstances(self, traded: TradedWindow, market: Market, now_ms: int) -> Circumstances:
        """Return what the acceptance rules need to know about a window."""
        market_id = market.market_id
        window = self.state.window(market_id)
        position = self.holdings.get(market_id)
        return Circumstances(
            now_ms=now_ms,
            market=market,
            is_over=traded.is_over,
            halt_reason=self.halt_reason(market),
            stop_reason=window.stop_reason,
            position_version=None if position is None else position.version,
            required_version=max(window.required_version, self.holdings.floor(market_id)),
            accepted=self.state.accepted_in(market.series),
            busy=self.open_orders.busy(market_id),
            sellable_units=self._sellable_units(position),
            order_ttl_ms=self.settings.execution.order_ttl_ms,
            max_book_age_ms=self.settings.of(market.series).strategy.max_book_age_ms,
            settings_number=self.settings.number,
        )

    def _sellable_units(self, position: PositionSnapshot | None) -> dict[Side, int]:
        """Return the shares of each outcome that are held and not already on sale."""
        if position is None:
            return dict.fromkeys(Side, 0)
        on_sale = self.open_orders.on_sale_units
        return {
            side: max(0, position.holding(side).quantity_units - on_sale(position, side))
            for side in Side
        }

    def exposure(self, market: Market, now_ms: int) -> Exposure:
        """Return the risk already taken, as the limits need it."""
        position = self.holdings.of(market.market_id)
        return Exposure(
            position=position,
            purchases=self._purchases(position),
            account_cost_nanos=self._account_cost_nanos(),
            live_count=len(self.open_orders.live()),
            minute_count=self.state.created_in_minute(now_ms // MINUTE_MS),
            day_loss_nanos=self.holdings.day_loss_nanos(now_ms),
        )

    def tracked(self, market: Market, now_ms: int) -> TrackedSeries:
        """Return a series' track record, as the protections need it."""
        return TrackedSeries(
            now_ms=now_ms,
            market=market,
            records=self.holdings.records,
            stop_loss_at_ms=self.state.stop_losses.get(market.series, 0),
        )

    def _purchases(self, position: PositionSnapshot) -> tuple[Purchase, ...]:
        """Return the open purchases in a window that its position may not include yet."""
        return tuple(
            Purchase(
                side=entry.intent.side,
                units=entry.unseen_units(position.version),
                price_ticks=entry.intent.price_ticks,
            )
            for entry in self.open_orders.live(position.market_id)
            if entry.intent.action is Action.BUY
        )

    def _account_cost_nanos(self) -> int | None:
        """Return the money at risk over all open windows; None while one position is unknown."""
        positions = [self.position(each.market_id) for each in self.windows.values()]
        known = [position for position in positions if position is not None]
        if len(known) < len(positions):
            return None
        return sum(cost_nanos(position, self._purchases(position)) for position in known)

    def _is_stopped(self, market_id: str, now_ms: int) -> bool:
        traded = self.window(market_id)
        if traded is None or not traded.is_open(now_ms):
            return True
        stop_reason = self.state.window(market_id).stop_reason
        return bool(self.halt_reason(traded.market) or stop_reason)

    # Changes

    def try_sales_again(self) -> None:
        """Reset the count of sales that have missed on the same position."""
        for traded in self.windows.values():
            traded.exit_attempts = 0

    def refuse(self, message: TradeSignals, reason: str, now_ms: int) -> Effects:
        """Log why signals are refused, and answer their strategy."""
        refused = SignalsRefused(
            market_id=message.market_id, signals=message.signals, reason=reason
        )
        answer = self.tell_open_orders(message.market_id, now_ms, message.signals_id)
        return [Send(OBSERVER, refused), *answer]

    def take(self, group: TradeSignals, market: Market, now_ms: int) -> tuple[OrderIntent, ...]:
        """Create orders from signals; they count from now on, and must still be recorded."""
        intents = self._intents(group, market, now_ms)
        minute = now_ms // MINUTE_MS
        state = self.state
        if group.signals_id:
            state = state.accepting(market.series, (group.snapshot_at_ms, group.signals_id))
        self.state = attrs.evolve(
            state,
            next_number=state.next_number + len(intents),
            minute=minute,
            minute_count=state.created_in_minute(minute) + len(intents),
        )
        self.open_orders.add(intents, now_ms)
        return intents

    def _intents(
        self, message: TradeSignals, market: Market, now_ms: int
    ) -> tuple[OrderIntent, ...]:
        """Return the intent for each signal; the two legs of a pair name each other."""
        ids = [
            f"order_{self.state.next_number + index}_{self._desk.dice.getrandbits(32):08x}"
            for index in range(len(message.signals))
        ]
        is_pair = len(ids) == 2 and message.signals[0].pair is not None
        partners = list(reversed(ids)) if is_pair else [None] * len(ids)
        return tuple(
            OrderIntent(
                order_id=order_id,
                market=market,
                side=signal.side,
                action=signal.action,
                price_ticks=signal.price_ticks,
                size_units=signal.size_units,
                time_in_force=signal.time_in_force,
                is_post_only=signal.is_post_only,
                orders_per_side=message.orders_per_side,
                created_at_ms=now_ms,
                expires_at_ms=min(now_ms + self._lifetime_ms(signal), market.closes_at_ms),
                priority=signal.priority,
                reason=signal.reason,
                pair_id=partner,
                position_version=message.position_version,
                tick_ns=message.tick_ns,
                basis=message.basis,
                passed_over=message.passed_over,
                settings_number=message.settings_number,
            )
            for order_id, partner, signal in zip(ids, partners, message.signals, strict=True)
        )

    def _lifetime_ms(self, signal: TradeSignal) -> int:
        lifetime_ms = signal.time_to_live_ms
        return self.settings.execution.order_ttl_ms if lifetime_ms is None else lifetime_ms

    def commit(
        self, signals_id: int, intents: Sequence[OrderIntent], market: Market, now_ms: int
    ) -> Effects:
        """Record new orders in one record, and start their actors."""
        orders = [OrderState(intent=intent, updated_at_ms=now_ms) for intent in intents]
        created = OrdersCreated(
            market_id=market.market_id, signals_id=signals_id, intents=tuple(intents)
        )
        rows = [Save("order", order.intent.order_id, order) for order in orders]
        return [
            Record(created, (*rows, self.save())),
            # An Order resubmits itself until it is answered, but the executor must know it first.
            *(Send(EXECUTOR, SubmitOrder(intent)) for intent in intents),
            *start(intent.order_id for intent in intents),
            *(Send(OBSERVER, OrderUpdated(order)) for order in orders),
            *self.tell_changes(now_ms, market.market_id),
        ]

    def ask_for_positions(self) -> Effects:
        """Ask the ledger again for open windows whose newest position was missed."""
        missed = (each for each in self.open_ids() if self.position(each) is None)
        return [Send(POSITION, PositionWanted(market_id, DESK)) for market_id in missed]

    def open_ids(self) -> tuple[str, ...]:
        """Return the market ids of the open windows."""
        return tuple(each.market_id for each in self.windows.values())

    # Reports

    def tell_changes(self, now_ms: int, market_id: str | None = None) -> Effects:
        """Report open orders to everyone concerned, and to the supervisor during shutdown."""
        effects = self.tell_all_orders(now_ms) if market_id is None else []
        if market_id is not None and self.window(market_id) is not None:
            effects = [*self.tell_open_orders(market_id, now_ms)]
        return [*effects, *self.halt_report()]

    def halt_report(self) -> Effects:
        """Report to the supervisor, during shutdown, how many orders are left."""
        if not self.passing_halt:
            return []
        # Without the setting the executor waits for nothing but these orders.
        is_wide = self.settings.execution.cancel_all_on_halt
        is_account_left = is_wide and self.unconfirmed is not None
        left_count = len(self.open_orders.live()) + is_account_left
        return [Send(SUPERVISOR, HaltReport(left_count, self.passing_halt))]

    def tell_all_orders(self, now_ms: int, to: str = "") -> Effects:
        """Report the busy sides of each open window to everyone concerned, or to one role."""
        told = (self.tell_open_orders(market_id, now_ms) for market_id in self.open_ids())
        return [each for effects in told for each in effects if to in ("", each.to)]

    def tell_open_orders(self, market_id: str, now_ms: int, answered_id: int = 0) -> list[Send]:
        """Report a market's busy sides to its series' strategy and to observers.

        For a market that is not open, only the role that asked gets an answer, with its number.
        """
        traded = self.window(market_id)
        strategy = STRATEGY if not self.settings.traded else REPLY
        if traded is not None:
            strategy = self.settings.role(STRATEGY, traded.market.series)
            answered_id = traded.answered_id
        working = tuple(entry.shown() for entry in self.open_orders.live(market_id))
        message = OpenOrders(
            market_id=market_id,
            live=tuple((order.side, order.order_id) for order in working),
            is_stopped=self._is_stopped(market_id, now_ms),
            answers_signals_id=answered_id,
            working=working,
        )
        return [Send(role, message) for role in (strategy, OBSERVER)]

    def tell_strategy(self, market_id: str, now_ms: int) -> Effects:
        """Report to a strategy the progress of its orders."""
        told = self.tell_open_orders(market_id, now_ms)
        return [each for each in told if base_role(each.to) == STRATEGY]

    def save(self) -> Save:
        """Return the row that saves the desk's current state."""
        return Save("desk", "desk", self.state)


def start(order_ids: Iterable[str]) -> Effects:
    """Start orders from their records."""
    return [Send(SUPERVISOR, StartChild(order_role(order_id))) for order_id in order_ids]


def cancel(entries: Iterable[TrackedOrder], reason: str) -> Effects:
    """Ask orders to end; repeated each round until they have."""
    effects: Effects = []
    for entry in entries:
        entry.cancel_reason = entry.cancel_reason or reason
        effects.append(ask_to_cancel(entry))
    return effects


def ask_to_cancel(entry: TrackedOrder) -> Send:
    """Ask one order to end, for the reason that was given first."""
    order_id = entry.intent.order_id
    return Send(order_role(order_id), CancelRequested(order_id, entry.cancel_reason))
