"""Whether a series' open window may be traded: the account was read, and is as is believed here."""

from __future__ import annotations

from actors.core import Command, Effects, Log, Send
from actors.execution.real.comparison import Comparison, venue_holdings
from actors.execution.real.funds import Funds
from actors.execution.real.messages import AccountRead, CancelOrders, ClientReady
from actors.execution.real.orders import LiveOrders
from actors.execution.real.reconciler import Reading
from actors.execution.real.rules import objection
from actors.execution.real.trade_allocations import Ownership
from actors.execution.real.user_channel import UserOrder
from actors.messages.execution import HaltTrading, OrderIntent
from actors.messages.halts import EXECUTOR_CHECKS
from actors.messages.position import PositionSnapshot, PositionWanted
from actors.model import Market
from actors.roles import DESK, POSITION
from actors.settings import Settings
from actors.units import size_text

_SHOWN_ID = 12


class TradingGate:
    """Holds the ledger against the venue, and looks for orders that nobody here knows."""

    def __init__(
        self, orders: LiveOrders, funds: Funds, settings: Settings, halts_in: str = ""
    ) -> None:
        """Begin without a window.

        Args:
            orders: the account's.
            funds: the account's money.
            settings: the run's.
            halts_in: the series that is halted if something is wrong; empty: everything.
        """
        self._orders = orders
        self._halts_in = halts_in
        self._policy = settings.execution.unknown_orders
        self._comparison = Comparison(settings.speed)
        self._funds = funds
        self._unknown_told: set[str] = set()
        self._unknown_reason = ""
        self._told_reason = ""
        self._told_unread = ""
        self.market: Market | None = None
        """The open window."""

    @property
    def halt_reason(self) -> str:
        """Why nothing may be traded; empty while it may."""
        return self._comparison.mismatch or self._unknown_reason

    def open_window(self, market: Market) -> None:
        """Trade this window from now on, once it was read and agreed on."""
        known = self.market
        if known is None or known.market_id != market.market_id:
            self._comparison.forget()
            self._unknown_reason = ""
        self.market = market

    def is_agreed(self, market_id: str) -> bool:
        """Whether this window may be traded."""
        is_same = self._comparison.is_agreed(market_id)
        return is_same and not self.halt_reason

    @property
    def market_ids(self) -> tuple[str, ...]:
        """The open window, if there is one."""
        return () if self.market is None else (self.market.market_id,)

    @property
    def tokens(self) -> tuple[str, ...]:
        """Tokens of the open window, whose balances are of interest."""
        market = self.market
        return () if market is None else (market.yes_token, market.no_token)

    @property
    def differs(self) -> bool:
        """Whether the last comparison found a difference."""
        return self._comparison.differs

    @property
    def wants_reading(self) -> bool:
        """Whether a comparison waits for another reading: the last one differed, or was void."""
        market = self.market
        is_settled = market is None or self._comparison.is_agreed(market.market_id)
        return self._comparison.differs or not (is_settled or self._comparison.is_waiting)

    def clock_set_back(self, by_ms: int) -> None:
        """A difference has lasted for as long as before."""
        self._comparison.clock_set_back(by_ms)

    def disturb(self) -> None:
        """Something traded: a comparison that is under way is void."""
        self._comparison.disturb()

    def objection(self, intent: OrderIntent) -> str:
        """Say why an order is not signed; empty if nothing speaks against it."""
        market = self.market
        if market is None or market.market_id != intent.market.market_id:
            market = intent.market
        return (
            self.halt_reason
            or objection(intent, market)
            or self._funds.objection(intent, self._orders)
        )

    def take(self, read: AccountRead, reading: Reading, account: ClientReady) -> Effects:
        """Look at a reading of the account, and ask the ledger for its own account."""
        market = self.market
        if market is None or market.market_id not in reading.market_ids:
            return []
        known_ids = self._orders.venue_ids
        ours = Ownership(known_ids=known_ids, wallet=account.wallet, owner=account.owner)
        told = self._compare(market, read, ours)
        unknown = [
            order
            for order in read.open_orders
            if order.market_id == market.market_id and order.order_id not in known_ids
        ]
        return [*told, *self._take_unknown(unknown), *self.ask()]

    def _compare(self, market: Market, read: AccountRead, ours: Ownership) -> Effects:
        """Have the window's account compared; not if some of what is ours cannot be read.

        A difference would then prove nothing, and neither would its absence.
        """
        trades = [trade for trade in read.trades if trade.market_id in ("", market.market_id)]
        unread = [part.reason for trade in trades for part in ours.unread_parts(trade)]
        unread += [row.reason for row in read.unread if row.market_id == market.market_id]
        if unread:
            self._comparison.disturb()
            text = f"{market.slug} cannot be compared with the venue's account: {unread[0]}"
            is_new, self._told_unread = text != self._told_unread, text
            return [Log("error", text)] if is_new else []
        self._told_unread = ""
        parts = [part for trade in read.trades for part in ours.own_parts(trade)]
        own = [part for part in parts if part.token in self.tokens]
        self._comparison.take_holdings(venue_holdings(market, own, dict(read.balances)))
        return []

    def ask(self) -> Effects:
        """Ask the ledger, if a reading waits for its answer."""
        market = self.market
        if market is None or not self._comparison.is_waiting:
            return []
        return [Send(POSITION, PositionWanted(market.market_id))]

    def take_position(self, snapshot: PositionSnapshot, now_ms: int) -> Effects:
        """Compare; a difference that lasts halts trading."""
        self._comparison.take_position(snapshot, now_ms)
        return self.halt()

    def halt(self) -> Effects:
        """Tell the desk to halt, if there is a reason; said as often as one likes."""
        reason = self.halt_reason
        if not reason:
            return []
        halt = HaltTrading(reason, cancel=True, who=EXECUTOR_CHECKS, series=self._halts_in)
        effects: Effects = [Send(DESK, halt)]
        if reason != self._told_reason:
            self._told_reason = reason
            effects.append(Log("error", f"trading is halted: {reason}"))
        return effects

    def _take_unknown(self, orders: list[UserOrder]) -> Effects:
        """Deal with orders that nobody here knows; those that were set aside are always ours."""
        lost_ids = {each.venue_order_id for each in self._orders.set_aside}
        lost = tuple(order.order_id for order in orders if order.order_id in lost_ids)
        unknown = [order for order in orders if order.order_id not in lost_ids]
        effects: Effects = [Command(CancelOrders(lost))] if lost else []
        # One that was set aside without its id may be any of them.
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
