"""The ledger's arithmetic: a position is a fold over the fills that stand, and nothing else.

No running total is ever corrected. A window keeps every reported (trade, order) pair once, marked
if it was reversed. Its position is computed from those that stand, sorted by timestamp and then by
id. So a reversal takes back exactly its fill, a reversal may come before its fill, and neither the
order of arrival nor a restart can change the result.

Timestamps may be wrong, since clocks are set back. The important results do not depend on them: the
shares held are bought minus sold, and ``realized - cost`` is exactly what sales brought minus what
purchases cost. Only how the money is split between the two depends on timestamps, by average cost:

* a sale removes its share of the holding's cost, rounded down to a nanodollar; the rounding
  remainder stays in the cost of what is still held, and the last share sold takes all that is left;
* a sale of more than is held at that time owes shares, which the next purchases cover at their own
  cost.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.messages.directory import MarketResolved
from actors.messages.execution import FillReversed
from actors.messages.position import Holding, PositionSnapshot, WindowSettled
from actors.model import Action, FillDetail, Market, Side
from actors.roles import EXECUTOR
from actors.units import PAYOUT_TICKS


@attrs.frozen(kw_only=True)
class LedgerEntry:
    """One (trade, order) pair in the ledger."""

    order_id: str
    side: Side
    action: Action
    fill: FillDetail
    booked_version: int
    reversed_version: int | None = None
    """None while the fill stands."""

    def reversal(self, market: Market) -> FillReversed:
        """Return the message of its failure, as the real executor would send it."""
        return FillReversed(
            order_id=self.order_id,
            market=market,
            side=self.side,
            action=self.action,
            fill=self.fill,
            answer_to=EXECUTOR,
        )


@attrs.frozen(kw_only=True)
class LedgerTotals:
    """The sums over a set of standing fills."""

    yes: Holding
    no: Holding
    fees_nanos: int
    realized_nanos: int
    oversold_units: int
    """Shares sold that no fill has bought: a fill is missing. Their proceeds are counted."""

    @property
    def cost_nanos(self) -> int:
        """What the shares of both outcomes cost, without fees."""
        return self.yes.cost_nanos + self.no.cost_nanos


def fold(entries: Iterable[LedgerEntry]) -> LedgerTotals:
    """Add up the entries that stand; the order of the entries does not matter."""
    tallies = dict.fromkeys(Side, _Tally())
    fees_nanos = 0
    for entry in sorted(filter(_stands, entries), key=_by_stamp):
        fees_nanos += entry.fill.fee_nanos
        tallies[entry.side] = tallies[entry.side].after(entry)
    yes, no = tallies[Side.YES], tallies[Side.NO]
    return LedgerTotals(
        yes=yes.held,
        no=no.held,
        fees_nanos=fees_nanos,
        realized_nanos=yes.realized_nanos + no.realized_nanos,
        oversold_units=yes.owed_units + no.owed_units,
    )


@attrs.frozen(kw_only=True)
class _Tally:
    """One outcome's shares after some of its entries."""

    held: Holding = attrs.field(factory=Holding)
    owed_units: int = 0
    """Sold before they were bought; while there are any, nothing is held."""
    realized_nanos: int = 0

    def after(self, entry: LedgerEntry) -> _Tally:
        fill = entry.fill
        if entry.action is Action.BUY:
            brought_units = min(fill.size_units, self.owed_units)
            return _Tally(
                held=_bought(self.held, fill.price_ticks, fill.size_units - brought_units),
                owed_units=self.owed_units - brought_units,
                realized_nanos=self.realized_nanos - fill.price_ticks * brought_units,
            )
        left = _sold(self.held, fill.size_units)
        removed_nanos = self.held.cost_nanos - left.cost_nanos
        return _Tally(
            held=left,
            owed_units=self.owed_units + max(0, fill.size_units - self.held.quantity_units),
            realized_nanos=self.realized_nanos + fill.price_ticks * fill.size_units - removed_nanos,
        )


def _stands(entry: LedgerEntry) -> bool:
    return entry.reversed_version is None


def _by_stamp(entry: LedgerEntry) -> tuple[int, bool, str, str]:
    # Within one millisecond buys come first: what was sold must have been bought before.
    is_sale = entry.action is Action.SELL
    return entry.fill.timestamp_ms, is_sale, entry.fill.trade_id, entry.order_id


def _bought(held: Holding, price_ticks: int, size_units: int) -> Holding:
    return Holding(
        quantity_units=held.quantity_units + size_units,
        cost_nanos=held.cost_nanos + price_ticks * size_units,
    )


def _sold(held: Holding, size_units: int) -> Holding:
    if size_units >= held.quantity_units:
        return Holding()
    return Holding(
        quantity_units=held.quantity_units - size_units,
        cost_nanos=held.cost_nanos - held.cost_nanos * size_units // held.quantity_units,
    )


@attrs.frozen(kw_only=True)
class WindowLedger:
    """The ledger's state of one window; saved whole at each change."""

    market: Market
    version: int
    """The ledger's version at this window's last change."""
    entries: tuple[LedgerEntry, ...] = ()
    """In order of arrival."""
    result: MarketResolved | None = None
    settled_version: int | None = None
    """The ledger's version at the first settlement; None before."""

    @property
    def is_settled(self) -> bool:
        """Whether the window's result is known and paid."""
        return self.result is not None

    def entry(self, trade_id: str, order_id: str) -> LedgerEntry | None:
        """Return the entry of a (trade, order) pair; None if it is unknown."""
        for entry in self.entries:
            if entry.fill.trade_id == trade_id and entry.order_id == order_id:
                return entry
        return None

    def entries_of(self, trade_id: str) -> list[LedgerEntry]:
        """Return the entries of a trade, which may have filled several orders."""
        return [entry for entry in self.entries if entry.fill.trade_id == trade_id]

    def with_entry(self, changed: LedgerEntry, version: int) -> WindowLedger:
        """Return the window with an entry added, or replaced for its (trade, order) pair."""
        others = tuple(
            entry
            for entry in self.entries
            if (entry.fill.trade_id, entry.order_id) != (changed.fill.trade_id, changed.order_id)
        )
        return attrs.evolve(self, entries=(*others, changed), version=version)

    def settled(self, result: MarketResolved, version: int) -> WindowLedger:
        """Return the window paid out by the venue's result, the first or a later one."""
        return attrs.evolve(
            self,
            result=result,
            version=version,
            settled_version=self.settled_version or version,
        )

    def totals(self) -> LedgerTotals:
        """Add up the fills that stand."""
        return fold(self.entries)

    def snapshot(self) -> PositionSnapshot:
        """Return the position as a message."""
        totals = self.totals()
        return PositionSnapshot(
            market_id=self.market.market_id,
            version=self.version,
            yes=totals.yes,
            no=totals.no,
            fees_nanos=totals.fees_nanos,
            realized_nanos=totals.realized_nanos,
        )

    def pnl_nanos(self) -> int:
        """Return the settled result: payout + realized - cost - fees; 0 before the settlement."""
        if self.result is None:
            return 0
        totals = self.totals()
        paid_nanos = payout_nanos(totals, self.result.winner)
        return paid_nanos + totals.realized_nanos - totals.cost_nanos - totals.fees_nanos

    def earned_nanos(self) -> int:
        """Return what is certain so far: the settled result or, before it, sales minus fees."""
        if self.is_settled:
            return self.pnl_nanos()
        totals = self.totals()
        return totals.realized_nanos - totals.fees_nanos

    def settlement(self, total_pnl_nanos: int) -> WindowSettled | None:
        """Return the settled result with the total of all windows; None before the settlement."""
        if self.result is None:
            return None
        return WindowSettled(
            market_id=self.market.market_id,
            slug=self.market.slug,
            winner=self.result.winner,
            strike_e18=self.result.strike_e18,
            close_e18=self.result.close_e18,
            position=self.snapshot(),
            payout_nanos=payout_nanos(self.totals(), self.result.winner),
            pnl_nanos=self.pnl_nanos(),
            total_pnl_nanos=total_pnl_nanos,
            strike_source=self.result.strike_source,
            revision=self.result.revision,
        )


def payout_nanos(totals: LedgerTotals, winner: Side | None) -> int:
    """Return the payout: one for each winning share, half for any share of a void window."""
    match winner:
        case Side.YES:
            return totals.yes.quantity_units * PAYOUT_TICKS
        case Side.NO:
            return totals.no.quantity_units * PAYOUT_TICKS
        case None:
            both_units = totals.yes.quantity_units + totals.no.quantity_units
            return both_units * (PAYOUT_TICKS // 2)
