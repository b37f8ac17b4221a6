"""One reading of the account: several successive requests, between which things happen."""

from __future__ import annotations

from actors.execution.real.messages import AccountRows, AccountUnread, ReadAccount
from actors.runtime.scheduler import Scheduler
from simulation.exchange.order_side import OrderSide
from simulation.exchange.signing import WALLET
from simulation.simulated_actor import SimulatedActor
from venue.ordering.admission import RequestRefused


class AccountReading:
    """Reads the requested orders, then open orders, then trades, then balances."""

    def __init__(
        self, side: OrderSide, scheduler: Scheduler, actor: SimulatedActor, command: ReadAccount
    ) -> None:
        self._side = side
        self._scheduler = scheduler
        self._actor = actor
        self._command = command
        self._rows = AccountRows()

    def begin(self) -> None:
        """Send the first of the requests."""
        mishaps = self._side.mishaps
        slow_ms = 2_000 if mishaps.strikes("slow_answer") else 0
        if mishaps.strikes("unread"):
            unread = AccountUnread(
                read_id=self._command.read_id, reason="Internal server error", retry_after_ms=None
            )
            self._scheduler.after(slow_ms + mishaps.way_ms(), self._actor.take_event, unread)
        else:
            self._scheduler.after(slow_ms + mishaps.way_ms(), self._read_orders)

    def _read_orders(self) -> None:
        reads, now_ms = self._side.reads, self._side.now_ms
        for venue_order_id in self._command.venue_order_ids:
            try:
                row = reads.order(WALLET, venue_order_id, now_ms)
            except RequestRefused:
                continue  # the venue's other way to show no order
            self._rows.add_order(venue_order_id, row)
        self._scheduler.after(2 * self._side.mishaps.way_ms(), self._read_open_orders)

    def _read_open_orders(self) -> None:
        side = self._side
        for market_id in self._command.market_ids:
            self._rows.add_open_orders(market_id, side.rows(side.reads.open_orders, market_id))
        self._scheduler.after(2 * side.mishaps.way_ms(), self._read_trades)

    def _read_trades(self) -> None:
        side = self._side
        for market_id in self._command.market_ids:
            self._rows.add_trades(market_id, side.rows(side.reads.trades, market_id))
        self._scheduler.after(2 * side.mishaps.way_ms(), self._read_balances)

    def _read_balances(self) -> None:
        side, command = self._side, self._command
        cash_units = int(side.reads.money(WALLET)["balance"]) if command.with_cash else None
        self._rows.balances += [(token, self._balance(token)) for token in command.balances_of]
        read = self._rows.reading(command.read_id, cash_units)
        self._scheduler.after(side.mishaps.way_ms(), self._actor.take_event, read)

    def _balance(self, token: str) -> int:
        side = self._side
        market = side.service.catalogue.with_token(token)
        if market is None:
            return 0
        return int(side.reads.shares(WALLET, market.status.window, token, side.now_ms)["balance"])
