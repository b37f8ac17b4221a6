"""Where a resting order stands in its queue, told by public trades and by what a level shows.

The venue matches by price, then by time. An order that joins a level stands behind all that the
level shows; what is ahead of it goes by trades at its price, and by cancels. Public data say how
much was cancelled at a price, never where in the queue: a stated share counts as ahead.
"""

from __future__ import annotations

import attrs

TRADE_PATIENCE_MS = 1_000
"""A trade may be told so long after the book that it has changed."""


@attrs.define(kw_only=True)
class QueuePlace:
    """One resting order's place at its price."""

    ahead_units: int
    """Displayed size that trades before it does."""
    shown_units: int
    """What its level showed when it was last looked at, without the order itself."""
    cancel_ahead_percent: int
    """Share of cancels at its price that counts as ahead of it."""
    _untold_units: int = 0
    """Traded at its price, and not seen to have left the level yet."""
    _cancelled_units: int = 0
    """Counted as cancelled lately; a late trade may show that it was not."""
    _cancelled_ahead_units: int = 0
    """What of it was taken off what is ahead."""
    _cancelled_at_ms: int = 0

    def trade(self, size_units: int, now_ms: int) -> int:
        """Take a public trade at this price; returns how much of it reaches the order."""
        again_units = ahead_again_units = 0
        if self._cancelled_units and now_ms - self._cancelled_at_ms <= TRADE_PATIENCE_MS:
            again_units = min(size_units, self._cancelled_units)
            ahead_again_units = self._cancelled_ahead_units * again_units // self._cancelled_units
            self._cancelled_units -= again_units
            self._cancelled_ahead_units -= ahead_again_units
        self._untold_units += size_units - again_units
        new_units = size_units - ahead_again_units
        reached_units = max(0, new_units - self.ahead_units)
        self.ahead_units = max(0, self.ahead_units - new_units)
        return reached_units

    def show(self, shown_units: int, now_ms: int) -> None:
        """Take what the level shows now: what has gone and was not traded has been cancelled."""
        gone_units = self.shown_units - shown_units
        self.shown_units = shown_units
        traded_units = min(max(0, gone_units), self._untold_units)
        self._untold_units -= traded_units
        cancelled_units = max(0, gone_units - traded_units)
        before_units = self.ahead_units
        ahead_units = before_units - cancelled_units * self.cancel_ahead_percent // 100
        self.ahead_units = max(0, min(ahead_units, shown_units))
        if cancelled_units:
            if now_ms - self._cancelled_at_ms > TRADE_PATIENCE_MS:
                self._cancelled_units = self._cancelled_ahead_units = 0
            self._cancelled_units += cancelled_units
            self._cancelled_ahead_units += before_units - self.ahead_units
            self._cancelled_at_ms = now_ms
