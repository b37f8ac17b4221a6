"""Positions as a list: each window's holdings, cost and result, or possible results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from actors.messages.position import Holding
from actors.model import Side
from actors.position.ledger import WindowLedger, payout_nanos
from actors.units import dollars_text, size_text
from understudy.display.screen import listing
from understudy.display.wording import (
    money,
    price_label,
    size_label,
    slug_labels,
    split_label,
    sums_by_series,
    winner_label,
)


def pnl_if_nanos(ledger: WindowLedger, winner: Side | None) -> int:
    """A window's result if it ended so: payout + realized - cost - fees; None stands for void."""
    totals = ledger.totals()
    paid_nanos = payout_nanos(totals, winner)
    return paid_nanos + totals.realized_nanos - totals.cost_nanos - totals.fees_nanos


def result_label(ledger: WindowLedger) -> str:
    """Write the winner, or that the window has no result yet."""
    if ledger.result is None:
        return "open"
    return winner_label(ledger.result.winner)


def positions_table(ledgers: Sequence[WindowLedger], *, wide: bool) -> Table:
    """Draw windows, one row each, an open one with both possible results; and the total."""
    every = [ledger.totals() for ledger in ledgers]
    settled = [(each.market.slug, each.pnl_nanos()) for each in ledgers if each.is_settled]
    footers: dict[str, str | Text] = {
        "window": f"all {len(ledgers)}",
        "result": f"{len(settled)} settled",
        "YES": "",
        "NO": "",
        "cost": money(-sum(totals.cost_nanos for totals in every)),
        "fees": money(-sum(totals.fees_nanos for totals in every)),
        "P&L Up/Down": money(sum(nanos for _, nanos in settled)),
    }
    table = listing(*footers, right=list(footers)[2:], footers=footers)
    by_series = sums_by_series(settled)
    if len(by_series) > 1:
        table.caption = Text("settled, by series: ").append_text(split_label(by_series))
    labels = window_labels((ledger.market.slug for ledger in ledgers), wide=wide)
    for ledger in ledgers:
        totals = ledger.totals()
        table.add_row(
            labels[ledger.market.slug],
            Text(result_label(ledger), "" if ledger.is_settled else "yellow"),
            _holding_label(totals.yes),
            _holding_label(totals.no),
            money(-totals.cost_nanos),
            money(-totals.fees_nanos),
            _pnl_text(ledger),
        )
    return table


def window_labels(slugs: Iterable[str], *, wide: bool) -> dict[str, str]:
    """Windows' slugs or, where there is little room, the parts that differ."""
    each = list(slugs)
    return {slug: slug for slug in each} if wide else slug_labels(each)


def _holding_label(holding: Holding) -> str:
    average = holding.average_ticks()
    at = "" if average is None else f" @ {price_label(average)}"
    return size_label(holding.quantity_units) + at


def _pnl_text(ledger: WindowLedger) -> Text:
    if ledger.is_settled:
        return money(ledger.pnl_nanos())
    text = money(pnl_if_nanos(ledger, Side.YES))
    return text.append(" / ", "dim").append_text(money(pnl_if_nanos(ledger, Side.NO)))


def holdings_json(yes: Holding, no: Holding) -> dict[str, str]:
    """Describe holdings and their cost in exact texts; the short names go after release 0.1."""
    yes_shares, no_shares = size_text(yes.quantity_units), size_text(no.quantity_units)
    yes_cost, no_cost = dollars_text(yes.cost_nanos), dollars_text(no.cost_nanos)
    return {
        "yes_shares": yes_shares,
        "no_shares": no_shares,
        "yes_cost": yes_cost,
        "no_cost": no_cost,
        "Qy": yes_shares,
        "Qn": no_shares,
        "Cy": yes_cost,
        "Cn": no_cost,
    }


def position_json(ledger: WindowLedger) -> dict[str, Any]:
    """Describe a position in exact texts: money in dollars, sizes in shares."""
    totals, result = ledger.totals(), ledger.result
    return {
        "market": ledger.market.market_id,
        "slug": ledger.market.slug,
        "version": ledger.version,
        **holdings_json(totals.yes, totals.no),
        "realized": dollars_text(totals.realized_nanos),
        "fees": dollars_text(totals.fees_nanos),
        "is_settled": ledger.is_settled,
        "winner": None if result is None or result.winner is None else result.winner.value,
        "pnl": dollars_text(ledger.pnl_nanos()) if ledger.is_settled else None,
        "pnl_if_up": dollars_text(pnl_if_nanos(ledger, Side.YES)),
        "pnl_if_down": dollars_text(pnl_if_nanos(ledger, Side.NO)),
    }
