"""What a person should hear of what the ledger was told."""

from __future__ import annotations

from collections.abc import Sequence

from actors.core import Effects, Log
from actors.messages.directory import MarketResolved
from actors.messages.execution import FillReversed, OrderFilled
from actors.position.ledger import LedgerEntry, WindowLedger
from actors.units import size_text


def failed_late(window: WindowLedger, standing: Sequence[LedgerEntry]) -> Effects:
    """A trade failed when nobody but the ledger knew of it any more; what it brought goes."""
    return [
        Log(
            "error",
            f"{window.market.slug}: the venue says long after that trade {entry.fill.trade_id} of "
            f"{entry.order_id} FAILED: {size_text(entry.fill.size_units)} shares and their money "
            "are taken back",
        )
        for entry in standing
    ]


def contradiction(known: LedgerEntry, told: OrderFilled | FillReversed) -> Effects:
    """A fill is told otherwise than it was booked."""
    if (known.side, known.action, known.fill) == (told.side, told.action, told.fill):
        return []
    return [
        Log(
            "error",
            f"trade {known.fill.trade_id} of {known.order_id} was booked as "
            f"{known.action.value} {known.side.value} {known.fill} and is now told as "
            f"{told.action.value} {told.side.value} {told.fill}: the first stands",
        )
    ]


def oversale(before: WindowLedger, after: WindowLedger) -> Effects:
    """More was sold than bought."""
    oversold_units = after.totals().oversold_units
    if oversold_units <= before.totals().oversold_units:
        return []
    return [
        Log(
            "error",
            f"{after.market.slug}: {size_text(oversold_units)} shares more were sold than "
            "bought: a fill is missing, and the position is right only once it is booked",
        )
    ]


def lateness(window: WindowLedger, told: OrderFilled | FillReversed) -> Effects:
    """A fill or its reversal came after the settlement."""
    if window.result is None:
        return []
    what = "reversal" if isinstance(told, FillReversed) else "fill"
    return [
        Log(
            "warning",
            f"{window.market.slug} was settled when the {what} of trade {told.fill.trade_id} of "
            f"{told.order_id} came: it is booked, and the window settled again",
        )
    ]


def changed_winner_sentence(first: MarketResolved, second: MarketResolved) -> str:
    """Say that a result was told otherwise before."""
    names = [each.winner.value if each.winner else "void" for each in (first, second)]
    return (
        f"{first.market.slug} was settled as {names[0]} ({first.evidence}) and is now told to be "
        f"{names[1]} ({second.evidence}): the first stands"
    )
