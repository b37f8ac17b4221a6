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
from actors.execution.messages import TimeInForce
from actors.market.messages import MarketSnapshot, SnapshotWanted
from actors.position.messages import PositionSnapshot
from actors.roles import DESK, MARKET_STATE


class SellingDesk(DeskBase):
    """The part of the desk that sells what is held of one side."""

    _exit_attempts = 0
    """Sales made since the position changed last."""
    _book_note = ""
    """Why the last book could not be sold into."""
    _sale_refusal = ""
    """Why the last sale was not made: it is too small."""

    @property
    def _is_flattening(self) -> bool:
        return any(halt.flattens for halt in self._state.halts)

    def _sale_wish(self, position: PositionSnapshot) -> SaleWish | None:
        """What is to be sold of the open window; flattening goes before a stop loss."""
        if self._is_flattening:
            return flatten_wish(position)
        if self._halt_reason:
            return None
        return stop_loss_wish(self._state.window(position.market_id), position)

    def _ask_for_book(self) -> Effects:
        """Ask for the book, if there is something to be sold into it and nothing else under way."""
        market, position = self._market, self._position()
        if market is None or position is None or self._is_over:
            return []
        if self._unconfirmed is not None:
            return []  # a cancel that is still to come would take the sale back
        if self._roster.live(market.market_id) or self._exit_attempts == EXIT_ATTEMPTS_MAX:
            return []
        return (
            [] if self._sale_wish(position) is None else [Send(MARKET_STATE, SnapshotWanted(DESK))]
        )

    @handles(MarketSnapshot)
    def sell_into(self, message: MarketSnapshot, now_ms: int) -> Effects:
        """Sell into the book that was asked for; a late or second copy sells nothing."""
        market, position = self._market, self._position()
        if market is None or market.market_id != message.market.market_id or position is None:
            return []
        wish = self._sale_wish(position)
        if wish is None or not self._ask_for_book():
            return []
        sale = sale_into(message, wish, self.settings.strategy.max_book_age_ms, now_ms)
        if isinstance(sale, str):
            self._book_note, self._sale_refusal = sale, ""
            return []
        signals = sale.signals(position, now_ms)
        at = self._circumstances(message.market, now_ms)
        refusal = sale_refusal(signals.signals[0], at) or ""
        is_new = refusal != self._sale_refusal
        self._book_note, self._sale_refusal = "", refusal
        if refusal:
            return self._refuse(signals, refusal, now_ms) if is_new else []
        self._exit_attempts += 1
        return self._create(signals, market, TimeInForce.FAK, now_ms)
