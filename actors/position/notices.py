"""Log lines for people about unusual reports to the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from actors.core import Effects, Log
from actors.messages.directory import MarketResolved
from actors.messages.execution import FillReversed, OrderFilled
from actors.model import side_name
from actors.position.ledger import LedgerEntry, WindowLedger
from actors.units import size_text


def failed_late(window: WindowLedger, standing: Sequence[LedgerEntry]) -> Effects:
    """Report that a trade failed whose orders only the ledger still knows: it is reversed."""
    effects: Effects = []
    for entry in standing:
        text = (
            f"{window.market.slug}: the venue reports late that trade {entry.fill.trade_id} of "
            f"{entry.order_id} FAILED: {size_text(entry.fill.size_units)} shares and their money "
            "are reversed"
        )
        effects.append(Log("error", text))
    return effects


def contradiction(known: LedgerEntry, told: OrderFilled | FillReversed) -> Effects:
    """Report that a fill differs from the one that was booked."""
    if (known.side, known.action, known.fill) == (told.side, told.action, told.fill):
        return []
    text = (
        f"trade {known.fill.trade_id} of {known.order_id} was booked as {known.action.value} "
        f"{known.side.value} {known.fill} and is now reported as {told.action.value} "
        f"{told.side.value} {told.fill}: the first is kept"
    )
    return [Log("error", text)]


def oversale(before: WindowLedger, after: WindowLedger) -> Effects:
    """Report that more was sold than bought."""
    oversold_units = after.totals().oversold_units
    if oversold_units <= before.totals().oversold_units:
        return []
    text = (
        f"{after.market.slug}: {size_text(oversold_units)} shares more were sold than bought: a "
        "fill is missing, and the position is right only once it is booked"
    )
    return [Log("error", text)]


def lateness(window: WindowLedger, told: OrderFilled | FillReversed) -> Effects:
    """Report that a fill or its reversal came after the settlement."""
    if window.result is None:
        return []
    what = "reversal" if isinstance(told, FillReversed) else "fill"
    text = (
        f"{window.market.slug} was settled when the {what} of trade {told.fill.trade_id} of "
        f"{told.order_id} came: it is booked, and the window settled again"
    )
    return [Log("warning", text)]


def changed_winner(first: MarketResolved, second: MarketResolved) -> Effects:
    """Report that a result contradicts the first one."""
    text = (
        f"{first.market.slug} was settled as {side_name(first.winner)} ({first.evidence}) and is "
        f"now reported as {side_name(second.winner)} ({second.evidence}): the first is kept"
    )
    return [Log("error", text)]
