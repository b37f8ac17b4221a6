"""What the desk knows of the window that a series trades now, besides its orders and position."""

from __future__ import annotations

import attrs

from actors.model import Market


@attrs.define
class TradedWindow:
    """The newest window of one series; it stays until the next one opens."""

    market: Market
    is_over: bool = False
    """Its end was announced."""
    answered_id: int = 0
    """Number of the newest signals that were answered."""
    exit_attempts: int = 0
    """Sales of the desk's own since the position changed last."""
    book_note: str = ""
    """Why the last book could not be sold into."""
    sale_refusal: str = ""
    """Why the last sale was not made: it is too small."""

    @property
    def market_id(self) -> str:
        """The market's id."""
        return self.market.market_id

    def is_open(self, now_ms: int) -> bool:
        """Whether it can be traded still."""
        return not self.is_over and now_ms < self.market.closes_at_ms
