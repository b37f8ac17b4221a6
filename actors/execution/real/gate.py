"""Decides whether each series' open window may be traded, and whether an order can be paid.

A window is traded once the account was read and agrees with the ledger. Each series has one gate
for its open window; the money is shared. The spendable amount is the balance that was read last,
less what has moved since and what open orders reserve.
"""

from __future__ import annotations

from actors.core import Command, Effects, Log, Send
from actors.execution.real.account_readings import Reading
from actors.execution.real.comparison import Comparison, venue_holdings
from actors.execution.real.lasting_problem import LastingProblem
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import AccountRead, CancelOrders, ClientReady
from actors.execution.real.orders import LiveOrders
from actors.execution.real.user_channel import Ownership, UserOrder
from actors.execution.real.venue_rules import objection
from actors.messages.execution import OrderIntent
from actors.messages.halts import EXECUTOR_CHECKS, HaltTrading
from actors.messages.position import PositionSnapshot, PositionWanted
from actors.model import Action, Market
from actors.roles import DESK, POSITION
from actors.settings import Settings
from actors.units import dollars_text, size_text, taker_fee_nanos

_NANOS_PER_CASH_UNIT = 1_000
"""Nanodollars in one unit of the venue's money, which has six decimals."""


class Funds:
    """The balance that was read last, adjusted for what has moved and what is reserved since.

    The balance may lag behind trades. So this refuses only orders that are certainly too expensive,
    and leaves the rest to the venue.
    """

    def __init__(self) -> None:
        self._base_nanos: int | None = None

    def set_balance(self, cash_units: int, orders: LiveOrders) -> None:
        """Start from a newly read balance, in millionths of a dollar.

        Open purchases are reserved in full. What they have spent already is missing from the
        balance, so it is added back here.
        """
        moved_nanos = orders.over_moved_nanos + sum(live.moved_nanos for live in orders.working)
        self._base_nanos = cash_units * _NANOS_PER_CASH_UNIT - moved_nanos

    def forget(self, live: LiveOrder) -> None:
        """Keep counting what a forgotten order's trades moved."""
        if self._base_nanos is not None:
            self._base_nanos += live.moved_nanos

    def objection(self, intent: OrderIntent, orders: LiveOrders) -> str:
        """Return why an order cannot be paid with its taker fee; empty if it may be payable."""
        if self._base_nanos is None or intent.action is not Action.BUY:
            return ""
        free_nanos = self._base_nanos + orders.over_moved_nanos
        for live in orders.working:
            is_purchase = live.intent.action is Action.BUY
            free_nanos += -_cost_nanos(live.intent) if is_purchase else live.moved_nanos
        cost_nanos = _cost_nanos(intent)
        if cost_nanos <= free_nanos:
            return ""
        return (
            f"it may cost ${dollars_text(cost_nanos)} with the fee, and the account has "
            f"${dollars_text(max(0, free_nanos))} to spend"
        )


def _cost_nanos(intent: OrderIntent) -> int:
    """Return the most that a purchase may cost; a partly filled one is counted in full."""
    if intent.action is not Action.BUY:
        return 0
    price_ticks, units = intent.price_ticks, intent.size_units
    return price_ticks * units + taker_fee_nanos(price_ticks, units, intent.market.fee_rate_bps)


_SHOWN_ID = 12


class TradingGate:
    """Compares one window's ledger with the venue, and looks for unknown open orders."""

    def __init__(
        self, market: Market, orders: LiveOrders, settings: Settings, halts_in: str = ""
    ) -> None:
        """Begin with a series' first window.

        Args:
            market: the window.
            orders: all orders of the account.
            settings: the run's settings.
            halts_in: the series to halt on a problem; empty halts all.
        """
        self.market = market
        """The open window, with its current price grid."""
        self.comparison = Comparison(settings.speed)
        self._orders = orders
        self._halts_in = halts_in
        self._policy = settings.execution.unknown_orders
        self._unknown_told: set[str] = set()
        self._unknown_reason = ""
        self._halted = LastingProblem("error")
        self._unread = LastingProblem("error")

    @property
    def halt_reason(self) -> str:
        """Why nothing may be traded; empty if nothing forbids it."""
        return self.comparison.mismatch or self._unknown_reason

    def open_window(self, market: Market) -> None:
        """Switch to a new window, which is traded once it was read and agrees."""
        self.comparison.forget()
        self._unknown_reason = ""
        self.market = market

    @property
    def is_agreed(self) -> bool:
        """Whether the window may be traded."""
        return self.comparison.is_agreed(self.market.market_id) and not self.halt_reason

    @property
    def wants_reading(self) -> bool:
        """Whether another reading is needed, because the last one differed or was discarded."""
        is_settled = self.comparison.is_agreed(self.market.market_id)
        return self.comparison.differs or not (is_settled or self.comparison.is_waiting)

    def check(self, read: AccountRead, reading: Reading, account: ClientReady) -> Effects:
        """Check a reading of the account, and ask the ledger for its position."""
        market = self.market
        if market.market_id not in reading.market_ids:
            return []
        known_ids = self._orders.venue_ids
        ours = Ownership(known_ids=known_ids, wallet=account.wallet, owner=account.owner)
        told = self._compare(market, read, ours, reading.began_at_ms)
        unknown = [
            order
            for order in read.open_orders
            if order.market_id == market.market_id and order.order_id not in known_ids
        ]
        return [*told, *self._take_unknown(unknown), *self.ask_ledger()]

    def _compare(
        self, market: Market, read: AccountRead, ours: Ownership, began_at_ms: int
    ) -> Effects:
        """Prepare the comparison, unless some of the account's own rows cannot be read.

        With unreadable rows neither a difference nor an agreement would prove anything.
        """
        trades = [trade for trade in read.trades if trade.market_id in ("", market.market_id)]
        unread = [part.reason for trade in trades for part in ours.unread_parts(trade)]
        unread += [row.reason for row in read.unread if row.market_id == market.market_id]
        if unread:
            self.comparison.discard()
            text = f"{market.slug} cannot be compared with the venue's account: {unread[0]}"
            return self._unread.met(text)
        self._unread.over()
        parts = [part for trade in read.trades for part in ours.own_parts(trade)]
        own = [part for part in parts if part.token in (market.yes_token, market.no_token)]
        self.comparison.take_holdings(venue_holdings(market, own, dict(read.balances)), began_at_ms)
        return []

    def ask_ledger(self) -> Effects:
        """Ask the ledger for its position if a reading waits for the answer."""
        is_waiting = self.comparison.is_waiting
        return [Send(POSITION, PositionWanted(self.market.market_id))] if is_waiting else []

    def take_position(self, snapshot: PositionSnapshot, now_ms: int) -> Effects:
        """Compare with the ledger; halt trading on a lasting difference.

        While they differ, every trade of the window is sent to the ledger again.
        """
        self.comparison.take_position(snapshot, now_ms)
        again = self._orders.trades_in(self.market.market_id) if self.comparison.differs else []
        return [*self.halt(), *again]

    def halt(self) -> Effects:
        """Ask the desk to halt if there is a reason; repeating this is harmless."""
        reason = self.halt_reason
        if not reason:
            return []
        halt = HaltTrading(reason, cancel=True, who=EXECUTOR_CHECKS, series=self._halts_in)
        return [Send(DESK, halt), *self._halted.met(f"trading is halted: {reason}")]

    def _take_unknown(self, orders: list[UserOrder]) -> Effects:
        """Handle open orders that are unknown here; quarantined ones are always our own."""
        lost_ids = {each.venue_order_id for each in self._orders.quarantined}
        lost = tuple(order.order_id for order in orders if order.order_id in lost_ids)
        unknown = [order for order in orders if order.order_id not in lost_ids]
        effects: Effects = [Command(CancelOrders(lost))] if lost else []
        # If one was quarantined without its venue order id, any unknown order may be it.
        policy = "halt" if "" in lost_ids and self._policy == "leave" else self._policy
        if not unknown or policy == "leave":
            self._unknown_reason = ""
            return effects
        text = f"orders rest at the venue that are not this system's: {_shown(unknown)}"
        new = {order.order_id for order in unknown} - self._unknown_told
        if new:
            self._unknown_told |= new
            effects.append(Log("warning", text))
        if policy == "cancel":
            ids = tuple(order.order_id for order in unknown)
            return [*effects, Command(CancelOrders(ids))]
        self._unknown_reason = text
        return [*effects, *self.halt()]


def _shown(orders: list[UserOrder]) -> str:
    return ", ".join(
        f"{order.order_id[:_SHOWN_ID]}… of {size_text(order.original_units or 0)} shares"
        for order in orders
    )


class AccountGates:
    """One gate for each series, and the money that they share."""

    def __init__(self, orders: LiveOrders, settings: Settings) -> None:
        self._orders = orders
        self.settings = settings
        self._funds = Funds()
        self._gates: dict[str, TradingGate] = {}
        """By series, from its first window on."""

    def clock_set_back(self, by_ms: int) -> None:
        """Shift the starts of differences back by as much as the clock was."""
        for gate in self._gates.values():
            gate.comparison.clock_set_back(by_ms)

    # Windows

    def open_window(self, market: Market) -> bool:
        """Switch a series to this window; return whether it is a new one.

        A late copy of an earlier window's message changes nothing.
        """
        gate = self._gates.get(market.series)
        if gate is None:
            halts_in = market.series if self.settings.traded else ""
            gate = TradingGate(market, self._orders, self.settings, halts_in)
            self._gates[market.series] = gate
            return True
        if market.closes_at_ms < gate.market.closes_at_ms:
            return False
        if market.market_id == gate.market.market_id:
            gate.market = market
            return False
        gate.open_window(market)
        return True

    def update_market(self, market: Market) -> None:
        """Note a window's current price grid."""
        gate = self._of(market.market_id)
        if gate is not None:
            gate.market = market

    @property
    def markets(self) -> dict[str, Market]:
        """The open window of each series."""
        return {series: gate.market for series, gate in self._gates.items()}

    # Whether a window may be traded

    @property
    def halt_reason(self) -> str:
        """Why some window may not be traded; empty if all may."""
        return next((gate.halt_reason for gate in self._gates.values() if gate.halt_reason), "")

    def is_agreed(self, market_id: str) -> bool:
        """Return whether this window may be traded."""
        gate = self._of(market_id)
        return gate is not None and gate.is_agreed

    def objection(self, intent: OrderIntent) -> str:
        """Return why an order must not be signed; empty if it may be."""
        gate, market = self._gates.get(intent.market.series), intent.market
        if gate is not None and gate.market.market_id == market.market_id:
            market = gate.market
        return (
            ("" if gate is None else gate.halt_reason)
            or objection(intent, market)
            or self._funds.objection(intent, self._orders)
        )

    @property
    def wants_reading(self) -> bool:
        """Whether some comparison needs another reading."""
        return any(gate.wants_reading for gate in self._gates.values())

    # Updates

    def note_trade(self, market_id: str, now_ms: int) -> None:
        """Discard running comparisons of this market, because something traded."""
        for gate in self._gates.values():
            if market_id in ("", gate.market.market_id):
                gate.comparison.note_trade(now_ms)

    def check(self, read: AccountRead, reading: Reading, account: ClientReady) -> Effects:
        """Check a reading of the account in every gate, and ask the ledger for its positions."""
        if read.cash_units is not None:
            self._funds.set_balance(read.cash_units, self._orders)
        gates = self._gates.values()
        return [effect for gate in gates for effect in gate.check(read, reading, account)]

    def forget(self, live: LiveOrder) -> None:
        """Note that an order is forgotten; what its trades moved stays in the balance."""
        self._funds.forget(live)

    def take_position(self, snapshot: PositionSnapshot, now_ms: int) -> Effects:
        """Compare the ledger's position of a window with the venue's."""
        gate = self._of(snapshot.market_id)
        return [] if gate is None else gate.take_position(snapshot, now_ms)

    def ask_ledger(self) -> Effects:
        """Ask the ledger for each window whose reading waits for the answer."""
        return [effect for gate in self._gates.values() for effect in gate.ask_ledger()]

    def halt(self) -> Effects:
        """Ask the desk to halt wherever there is a reason; repeating this is harmless."""
        return [effect for gate in self._gates.values() for effect in gate.halt()]

    def cancel_quarantined(self) -> Effects:
        """Cancel the orders whose record was damaged, as far as their venue order ids are known."""
        ids = sorted(
            each.venue_order_id for each in self._orders.quarantined if each.venue_order_id
        )
        if not ids:
            return []
        text = f"orders whose record was damaged are cancelled: {', '.join(ids)}"
        return [Log("warning", text), Command(CancelOrders(tuple(ids)))]

    def _of(self, market_id: str) -> TradingGate | None:
        gates = self._gates.values()
        return next((gate for gate in gates if gate.market.market_id == market_id), None)
