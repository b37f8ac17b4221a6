"""The desk's own sales: it asks for the book, and sells at the best bid that the book shows then.

A sale that misses is made again at the next bid, once a round; without a bid, when there is one.
"""

from __future__ import annotations

from actors.core import Effects, Send, handles
from actors.execution.acceptance import sale_refusal
from actors.execution.desk_base import DeskBase
from actors.execution.exits import (
    EXIT_ATTEMPTS_MAX,
    SaleWish,
    flatten_wish,
    sale_into,
    stop_loss_wish,
)
from actors.execution.traded_window import TradedWindow
from actors.messages.halts import halts_of
from actors.messages.market import MarketSnapshot, SnapshotWanted
from actors.messages.position import PositionSnapshot
from actors.model import Market
from actors.roles import DESK, MARKET_STATE


class SellingDesk(DeskBase):
    """The part of the desk that sells what is held of one side."""

    def _sale_wish(self, market: Market, position: PositionSnapshot) -> SaleWish | None:
        """What is to be sold of an open window; flattening goes before a stop loss."""
        if any(halt.flattens for halt in halts_of(self._state.halts, market.series)):
            return flatten_wish(position)
        if self._halt_reason(market):
            return None
        return stop_loss_wish(self._state.window(position.market_id), position)

    def _ask_for_books(self) -> Effects:
        """Ask for the book of each window that there is something to be sold in."""
        return [
            Send(self.settings.role(MARKET_STATE, series), SnapshotWanted(DESK))
            for series, traded in self._windows.items()
            if self._wish_now(traded) is not None
        ]

    def _wish_now(self, traded: TradedWindow) -> SaleWish | None:
        """What is to be sold of a window now; None while something else is under way."""
        position = self._position(traded.market_id)
        if position is None or traded.is_over:
            return None
        if self._unconfirmed is not None:
            return None  # a cancel that is still to come would take the sale back
        if self._open_orders.live(traded.market_id) or traded.exit_attempts == EXIT_ATTEMPTS_MAX:
            return None
        return self._sale_wish(traded.market, position)

    @handles(MarketSnapshot)
    def sell_into(self, message: MarketSnapshot, now_ms: int) -> Effects:
        """Sell into the book that was asked for; a late or second copy sells nothing."""
        traded = self._window(message.market.market_id)
        position = self._position(message.market.market_id)
        wish = None if traded is None else self._wish_now(traded)
        if traded is None or position is None or wish is None:
            return []
        max_book_age_ms = self._settings(traded.market).strategy.max_book_age_ms
        sale = sale_into(message, wish, max_book_age_ms, now_ms)
        if isinstance(sale, str):
            traded.book_note, traded.sale_refusal = sale, ""
            return []
        signals = sale.signals(position, now_ms)
        at = self._circumstances(traded, message.market, now_ms)
        refusal = sale_refusal(signals.signals[0], at) or ""
        is_new = refusal != traded.sale_refusal
        traded.book_note, traded.sale_refusal = "", refusal
        if refusal:
            return self._refuse(signals, refusal, now_ms) if is_new else []
        traded.exit_attempts += 1
        return self._create([signals], traded.market, now_ms)
