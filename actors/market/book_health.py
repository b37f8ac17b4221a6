"""Decides when a book that seems alive cannot be trusted."""

from __future__ import annotations

from actors.core import earlier
from actors.market.book import TokenBook
from actors.messages.feeds import BestPricesEvent

PATIENCE_MS = 1_000
"""How long a contradiction may last; it is normal between the frames of one change."""
STANDSTILL_MS = 10_000
"""How far one book may fall behind the other, and for how long; the venue updates both at once."""
MISSING_PATIENCE_MS = 3_000
"""How long a full book may be missing on an open connection."""


class BookHealth:
    """What is wrong with one book, and since when.

    A book is unhealthy if it stays crossed, if the venue's own best prices keep contradicting it,
    if it stands still while the other one moves, or if no full book arrives.
    """

    def __init__(self, now_ms: int) -> None:
        self._unsynced_since_ms: int | None = now_ms
        self._crossed_since_ms: int | None = None
        self._behind_since_ms: int | None = None
        self._contradicted_since_ms: int | None = None
        self._contradiction = ""

    def clock_set_back(self, by_ms: int) -> None:
        """Shift the starts of problems back by as much as the clock was."""
        self._unsynced_since_ms = earlier(self._unsynced_since_ms, by_ms)
        self._crossed_since_ms = earlier(self._crossed_since_ms, by_ms)
        self._behind_since_ms = earlier(self._behind_since_ms, by_ms)
        self._contradicted_since_ms = earlier(self._contradicted_since_ms, by_ms)

    def look(self, book: TokenBook, now_ms: int, newest_at_ms: int = 0) -> None:
        """Check the book now; ``newest_at_ms`` is when the newest of all books changed."""
        self._unsynced_since_ms = _since(self._unsynced_since_ms, not book.is_synced, now_ms)
        self._crossed_since_ms = _since(self._crossed_since_ms, book.is_crossed, now_ms)
        is_behind = book.is_synced and newest_at_ms - book.updated_at_ms >= STANDSTILL_MS
        self._behind_since_ms = _since(self._behind_since_ms, is_behind, now_ms)
        if not book.is_synced:
            self._contradicted_since_ms = None
            self._contradiction = ""

    def compare(self, book: TokenBook, said: BestPricesEvent, now_ms: int) -> None:
        """Compare the book with the venue's own best prices, unless those are older."""
        if not book.is_synced or said.timestamp_ms < book.updated_at_ms:
            return
        known = (book.best_bid_ticks, book.best_ask_ticks)
        contradicts = known != (said.bid_ticks, said.ask_ticks)
        since_ms = _since(self._contradicted_since_ms, contradicts, now_ms)
        self._contradicted_since_ms = since_ms
        self._contradiction = ""
        if since_ms is not None and now_ms - since_ms >= PATIENCE_MS:
            self._contradiction = (
                f"its best prices are {known}, the venue has reported others for "
                f"{now_ms - since_ms} ms, now {(said.bid_ticks, said.ask_ticks)}"
            )

    def complaint(self, now_ms: int) -> str:
        """Return what has been wrong for too long; empty if nothing has."""
        since_ms = self._crossed_since_ms
        if since_ms is not None and now_ms - since_ms >= PATIENCE_MS:
            return f"it has been crossed for {now_ms - since_ms} ms"
        since_ms = self._behind_since_ms
        if since_ms is not None and now_ms - since_ms >= STANDSTILL_MS:
            return "it stands still while the other one moves"
        return self._contradiction

    def lacks_book(self, now_ms: int) -> bool:
        """Return whether a full book has been missing for too long."""
        since_ms = self._unsynced_since_ms
        return since_ms is not None and now_ms - since_ms >= MISSING_PATIENCE_MS


def _since(since_ms: int | None, is_so: bool, now_ms: int) -> int | None:
    if not is_so:
        return None
    return now_ms if since_ms is None else since_ms
