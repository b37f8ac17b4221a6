"""A resting order's place in its queue, estimated from public trades and displayed sizes.

The venue matches by price, then by time. An order that joins a level is behind everything the level
displays. The size ahead of it is reduced by trades at its price, and by cancels. Public data show
how much was cancelled at a price, but not where in the queue: a given share counts as ahead.
"""

from __future__ import annotations

import attrs

TRADE_PATIENCE_MS = 1_000
"""A trade may be reported this long after the level it reduced has shrunk."""


@attrs.define
class _Shrinking:
    """A level shrank without a known trade: it counts as cancelled until a trade is reported."""

    at_ms: int
    units: int
    ahead_units: int
    """The part of it that was deducted from the size ahead."""

    def explain(self, size_units: int) -> tuple[int, int]:
        """Return how much of a trade explains this, and how much of that was deducted already."""
        units = min(size_units, self.units)
        ahead_units = self.ahead_units * units // self.units if units else 0
        self.units -= units
        self.ahead_units -= ahead_units
        return units, ahead_units


@attrs.define(kw_only=True)
class QueuePlace:
    """One resting order's place at its price. Times are the venue's own timestamps."""

    ahead_units: int
    """Displayed size that trades before it does."""
    shown_units: int
    """Size last displayed at its level, without the order itself."""
    cancel_ahead_percent: int
    """Share of the cancels at its price that counts as ahead of it."""
    _unseen_units: int = 0
    """Size traded at its price that the level has not been seen to lose yet."""
    _shrinkings: list[_Shrinking] = attrs.field(factory=list)
    """Recent ones, oldest first."""

    def trade(self, size_units: int, at_ms: int) -> int:
        """Apply a public trade at this price; return how much of it reaches the order.

        It may be reported after its level has shrunk; the level's timestamp is then the trade's, or
        later.
        """
        again_units = ahead_again_units = 0
        for shrinking in self._shrinkings:
            if shrinking.at_ms >= at_ms:
                units, ahead_units = shrinking.explain(size_units - again_units)
                again_units += units
                ahead_again_units += ahead_units
        self._unseen_units += size_units - again_units
        new_units = size_units - ahead_again_units
        reached_units = max(0, new_units - self.ahead_units)
        self.ahead_units = max(0, self.ahead_units - new_units)
        return reached_units

    def show(self, shown_units: int, at_ms: int) -> None:
        """Apply the level's displayed size: what is gone without a trade has been cancelled."""
        gone_units = self.shown_units - shown_units
        self.shown_units = shown_units
        traded_units = min(max(0, gone_units), self._unseen_units)
        self._unseen_units -= traded_units
        cancelled_units = max(0, gone_units - traded_units)
        before_units = self.ahead_units
        ahead_units = before_units - cancelled_units * self.cancel_ahead_percent // 100
        self.ahead_units = max(0, min(ahead_units, shown_units))
        if cancelled_units:
            oldest_ms = at_ms - TRADE_PATIENCE_MS
            self._shrinkings = [each for each in self._shrinkings if each.at_ms >= oldest_ms]
            taken_units = before_units - self.ahead_units
            self._shrinkings.append(_Shrinking(at_ms, cancelled_units, taken_units))
