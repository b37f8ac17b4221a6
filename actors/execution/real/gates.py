"""The account's gates: one for the open window of each series, and the money they share."""

from __future__ import annotations

from actors.core import Command, Effects, Log
from actors.execution.real.funds import Funds
from actors.execution.real.gate import TradingGate
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import AccountRead, CancelOrders, ClientReady
from actors.execution.real.orders import LiveOrders
from actors.execution.real.reconciler import Reading
from actors.messages.execution import OrderIntent
from actors.messages.position import PositionSnapshot
from actors.model import Market
from actors.settings import Settings


class AccountGates:
    """Lets each series trade as soon as its own window was read and agreed on."""

    def __init__(self, orders: LiveOrders, settings: Settings) -> None:
        self._orders = orders
        self.settings = settings
        self._funds = Funds()
        self._gates: dict[str, TradingGate] = {}
        """By series."""

    def clock_set_back(self, by_ms: int) -> None:
        """Differences have lasted for as long as before."""
        for gate in self._gates.values():
            gate.clock_set_back(by_ms)

    # Windows

    def market(self, series: str) -> Market | None:
        """The open window of a series; None before its first."""
        gate = self._gates.get(series)
        return None if gate is None else gate.market

    def open_window(self, market: Market) -> bool:
        """Trade this window from now on, once it was read and agreed on; whether it is a new one.

        A late copy for a window of the past changes nothing.
        """
        gate = self._gates.get(market.series)
        if gate is None:
            halts_in = market.series if self.settings.traded else ""
            gate = TradingGate(self._orders, self._funds, self.settings, halts_in)
            self._gates[market.series] = gate
        known = gate.market
        if known is not None and market.closes_at_ms < known.closes_at_ms:
            return False
        gate.open_window(market)
        return known is None or known.market_id != market.market_id

    def see(self, market: Market) -> None:
        """Note the price grid that holds in a window now."""
        gate = self._of(market.market_id)
        if gate is not None:
            gate.market = market

    @property
    def market_ids(self) -> tuple[str, ...]:
        """The open windows."""
        return tuple(id_ for gate in self._gates.values() for id_ in gate.market_ids)

    @property
    def tokens(self) -> tuple[str, ...]:
        """Tokens of the open windows, whose balances are of interest."""
        return tuple(token for gate in self._gates.values() for token in gate.tokens)

    # Whether they may be traded

    @property
    def halt_reason(self) -> str:
        """Why nothing may be traded in some window; empty if nothing speaks against any."""
        return next((gate.halt_reason for gate in self._gates.values() if gate.halt_reason), "")

    def is_agreed(self, market_id: str) -> bool:
        """Whether this window may be traded."""
        gate = self._of(market_id)
        return gate is not None and gate.is_agreed(market_id)

    def objection(self, intent: OrderIntent) -> str:
        """Say why an order is not signed; empty if nothing speaks against it."""
        gate = self._gates.get(intent.market.series)
        if gate is None:
            return TradingGate(self._orders, self._funds, self.settings).objection(intent)
        return gate.objection(intent)

    def differs(self, market_id: str) -> bool:
        """Whether the last comparison of a window found a difference."""
        gate = self._of(market_id)
        return gate is not None and gate.differs

    @property
    def wants_reading(self) -> bool:
        """Whether a comparison waits for another reading."""
        return any(gate.wants_reading for gate in self._gates.values())

    # What is heard of them

    def disturb(self, market_id: str) -> None:
        """Something traded: a comparison of its window that is under way is void."""
        for gate in self._gates.values():
            if not market_id or market_id in gate.market_ids:
                gate.disturb()

    def take(self, read: AccountRead, reading: Reading, account: ClientReady) -> Effects:
        """Look at a reading of the account, and ask the ledger for its own account."""
        gates = self._gates.values()
        return [effect for gate in gates for effect in gate.take(read, reading, account)]

    def take_cash(self, read: AccountRead) -> None:
        """Note the money, after everything else of a reading."""
        if read.cash_units is not None:
            self._funds.take(read.cash_units, self._orders)

    def let_go(self, live: LiveOrder) -> None:
        """An order's trades are counted here no more: what they moved is part of the balance."""
        self._funds.let_go(live)

    def take_position(self, snapshot: PositionSnapshot, now_ms: int) -> Effects:
        """Compare; a difference that lasts halts trading."""
        gate = self._of(snapshot.market_id)
        return [] if gate is None else gate.take_position(snapshot, now_ms)

    def ask(self) -> Effects:
        """Ask the ledger for each window whose reading waits for its answer."""
        return [effect for gate in self._gates.values() for effect in gate.ask()]

    def halt(self) -> Effects:
        """Tell the desk to halt where there is a reason; said as often as one likes."""
        return [effect for gate in self._gates.values() for effect in gate.halt()]

    def take_back_lost(self) -> Effects:
        """Cancel the orders whose record was damaged, as far as their ids are known."""
        ids = sorted(each.venue_order_id for each in self._orders.set_aside if each.venue_order_id)
        if not ids:
            return []
        text = f"orders whose record was damaged are taken back: {', '.join(ids)}"
        return [Log("warning", text), Command(CancelOrders(tuple(ids)))]

    def _of(self, market_id: str) -> TradingGate | None:
        return next((g for g in self._gates.values() if market_id in g.market_ids), None)
