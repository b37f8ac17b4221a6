"""What the ledger says: positions, bookings and settlements."""

from __future__ import annotations

import attrs

from actors.model import Side
from actors.roles import EXECUTOR


@attrs.frozen(kw_only=True)
class Holding:
    """One outcome's shares and what they cost."""

    quantity_units: int = 0
    cost_nanos: int = 0
    """Without fees; a sale takes its share of the cost with it."""

    def average_ticks(self) -> float | None:
        """Average cost in ticks, for people to read; compare with ``is_dearer`` instead."""
        return self.cost_nanos / self.quantity_units if self.quantity_units else None


@attrs.frozen(kw_only=True)
class PositionSnapshot:
    """One window's position, at one version of the ledger."""

    market_id: str
    version: int
    """Grows by one an opening, booking, reversal or settlement, over all windows and restarts."""
    yes: Holding
    no: Holding
    fees_nanos: int
    realized_nanos: int
    """Proceeds of sales minus the cost of what was sold."""
    ledger_version: int = 0
    """The whole ledger's, when this was said: the day's result is as of it."""
    day: int = 0
    """UTC day of the ledger's last change, in days since 1970."""
    day_pnl_nanos: int = 0
    """What that day has brought over all windows: results of settled ones, and of open ones what
    sales realized, minus fees."""

    def holding(self, side: Side) -> Holding:
        """The holding of an outcome."""
        return self.yes if side is Side.YES else self.no


@attrs.frozen
class PositionWanted:
    """To position: say this window's position again.

    The real executor holds it against the venue's; the desk has missed a newer one.
    """

    market_id: str
    answer_to: str = EXECUTOR


@attrs.frozen(kw_only=True)
class FillBooked:
    """Position to Order: this fill, or its reversal, is in the ledger."""

    order_id: str
    trade_id: str
    is_reversal: bool
    version: int


@attrs.frozen
class LateFailure:
    """Real executor to position: a trade failed whose orders it knows no more (F41).

    Answered by ``FillBooked`` for each fill of that trade, or for no order if there is none.
    """

    market_id: str
    trade_id: str

    def answer(self, version: int) -> FillBooked:
        """Make the answer of a ledger that holds nothing of the trade."""
        return FillBooked(order_id="", trade_id=self.trade_id, is_reversal=True, version=version)


@attrs.frozen(kw_only=True)
class WindowSettled:
    """A window's result; to the directory (which stops asking) and observers."""

    market_id: str
    slug: str
    winner: Side | None
    strike_e18: int | None
    close_e18: int | None
    position: PositionSnapshot
    payout_nanos: int
    pnl_nanos: int
    """payout + realized - cost - fees."""
    total_pnl_nanos: int
    """Over all settled windows."""
    strike_source: str = ""
    """Where the strike was read; empty without one."""
    revision: int = 0
    """Of the result that it was settled by: how often the venue had contradicted itself."""
