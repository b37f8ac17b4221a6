"""The end of a run: its windows' results, read from the journal, and the actors' restarts.

As JSON every amount is an exact decimal text: money in dollars, sizes in shares.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
import click
from rich.console import Group, RenderableType
from rich.text import Text

from actors.directory.windows import WindowState
from actors.messages.directory import WindowNotTraded
from actors.messages.execution import OrderState
from actors.messages.halts import Halt, halt_words
from actors.messages.position import WindowSettled
from actors.model import side_name
from actors.position.core import ResultCorrected
from actors.position.ledger import WindowLedger
from actors.runtime.codec import decode_as
from actors.runtime.journal import JournalReader
from actors.units import dollars_text, e18_text
from understudy.display.latency import Histogram
from understudy.display.screen import Screen, facts_table, listing
from understudy.display.wording import (
    count_label,
    exact_money,
    latency_text,
    move_label,
    size_label,
    split_label,
    statuses_label,
    strikes_label,
    sums_by_series,
    winner_label,
)
from understudy.reading.archive import created_ids
from understudy.reading.orders import by_status, standing_fills
from understudy.reading.positions import holdings_json
from understudy.running.halting import halts_json, lasting_halts
from understudy.running.tally import Tally


@attrs.frozen(kw_only=True)
class Summary:
    """A run's result."""

    windows: tuple[WindowSettled, ...]
    """Settled in this run, in that order; without those that were only watched."""
    orders: tuple[OrderState, ...]
    """Created or changed in this run."""
    restarts: Mapping[str, int]
    handled_count: int
    latencies: Mapping[str, Histogram]
    halts: tuple[Halt, ...] = ()
    """In force at the end; the next run on this directory begins with them."""
    not_traded: tuple[WindowNotTraded, ...] = ()
    """Windows that were not traded, or never got a strike, and why."""
    corrections: tuple[ResultCorrected, ...] = ()
    """Settled windows, perhaps of earlier runs, whose result the venue has changed since."""
    unsettled: tuple[WindowLedger, ...] = ()
    """Windows with fills but without a result; the next run on this directory settles them, unless
    their exchange has ended."""
    is_demo: bool = False
    """Whether the exchange has ended with the run."""
    watched_count: int = 0
    """Windows settled in this run that were not traded, as it was too late to learn their strike.
    """
    began_ms: int = 0
    """Venue time of the run's first record."""

    @property
    def pnl_nanos(self) -> int:
        """Sum over the windows."""
        return sum(window.pnl_nanos for window in self.windows)

    @property
    def pnl_by_series(self) -> dict[str, int]:
        """The same by series, in the order of their first settled windows."""
        return sums_by_series((window.slug, window.pnl_nanos) for window in self.windows)

    @property
    def orders_by_priority(self) -> dict[int, int]:
        """Number of signals of each priority that became orders."""
        return dict(sorted(Counter(order.intent.priority for order in self.orders).items()))

    @property
    def orders_by_status(self) -> dict[str, int]:
        """Number of orders by status."""
        return by_status(self.orders)

    @property
    def fills_count(self) -> int:
        """Number of fills that stand."""
        return sum(len(standing_fills(order)) for order in self.orders)


def read_summary(reader: JournalReader, tally: Tally, start_seq: int) -> Summary:
    """Summarize what was recorded after an event's number."""
    touched: set[str] = set()
    settled: dict[str, None] = {}
    not_traded: dict[str, WindowNotTraded] = {}
    corrections: list[ResultCorrected] = []
    began_ms = 0
    for event in reader.events(after_seq=start_seq):
        began_ms = began_ms or event.at_ms
        if event.order_id is not None:
            touched.add(event.order_id)
        if event.kind == "OrdersCreated":
            touched |= set(created_ids(event))
        elif event.kind == "MarketResolved" and event.market_id is not None:
            settled[event.market_id] = None
        elif event.kind == "WindowNotTraded":
            missed = decode_as(WindowNotTraded, json.dumps(event.body))
            not_traded[missed.slug] = missed
        elif event.kind == "ResultCorrected":
            corrections.append(decode_as(ResultCorrected, json.dumps(event.body)))
    ledgers = _settled_ledgers(reader, settled)
    traded = [ledger for ledger in ledgers if not _was_only_watched(ledger)]
    return Summary(
        windows=tuple(_settlements(traded)),
        watched_count=len(ledgers) - len(traded),
        unsettled=tuple(
            ledger
            for ledger in reader.states("position", open_only=True)
            if isinstance(ledger, WindowLedger) and ledger.entries and not ledger.is_settled
        ),
        orders=tuple(
            order
            for order_id in sorted(touched)
            for order in reader.states("order", order_id, open_only=False)
            if isinstance(order, OrderState)
        ),
        restarts=tally.restarts,
        handled_count=tally.handled_count,
        latencies=tally.latencies,
        halts=lasting_halts(reader),
        not_traded=tuple(each for each in not_traded.values() if not _has_strike(reader, each)),
        corrections=tuple(corrections),
        began_ms=began_ms,
    )


def _has_strike(reader: JournalReader, missed: WindowNotTraded) -> bool:
    """Whether a window did get its strike."""
    return missed.market_id is not None and any(
        isinstance(window, WindowState) and window.strike is not None
        for window in reader.states("window", missed.market_id, open_only=False)
    )


def _settled_ledgers(reader: JournalReader, market_ids: Mapping[str, None]) -> list[WindowLedger]:
    return [
        ledger
        for market_id in market_ids
        for ledger in reader.states("position", market_id, open_only=False)
        if isinstance(ledger, WindowLedger) and ledger.is_settled
    ]


def _settlements(ledgers: Iterable[WindowLedger]) -> list[WindowSettled]:
    settlements = []
    total_nanos = 0
    for ledger in ledgers:
        total_nanos += ledger.pnl_nanos()
        settlement = ledger.settlement(total_nanos)
        settlements += [settlement] if settlement is not None else []
    return settlements


def _was_only_watched(ledger: WindowLedger) -> bool:
    """Whether the run was too late to learn the window's strike, and traded nothing in it."""
    return ledger.result is not None and ledger.result.strike_e18 is None and not ledger.entries


def summary_json(summary: Summary) -> dict[str, Any]:
    """Build the JSON object that ``run --json`` prints."""
    return {
        "windows": [_window_json(window) for window in summary.windows],
        "unsettled": [_unsettled_json(ledger) for ledger in summary.unsettled],
        "watched": summary.watched_count,
        "pnl": dollars_text(summary.pnl_nanos),
        "pnl_by_series": {
            series: dollars_text(nanos) for series, nanos in summary.pnl_by_series.items()
        },
        "signals": {str(key): count for key, count in summary.orders_by_priority.items()},
        "orders": summary.orders_by_status,
        "fills": summary.fills_count,
        "restarts": dict(summary.restarts),
        "halts": halts_json(summary.halts),
        "not_traded": [{"slug": each.slug, "reason": each.reason} for each in summary.not_traded],
        "corrections": [_correction_json(each) for each in summary.corrections],
        "messages_handled": summary.handled_count,
        "latency_us": {
            name: {
                "p50": histogram.percentile(50),
                "p99": histogram.percentile(99),
                "samples": histogram.count,
            }
            for name, histogram in summary.latencies.items()
        },
    }


def _correction_json(correction: ResultCorrected) -> dict[str, str]:
    return {
        "slug": correction.slug,
        "before": side_name(correction.before),
        "after": side_name(correction.after),
        "pnl_before": dollars_text(correction.pnl_before_nanos),
        "pnl_after": dollars_text(correction.pnl_after_nanos),
        "evidence": correction.evidence,
    }


def _window_json(window: WindowSettled) -> dict[str, Any]:
    position = window.position
    return {
        "market": window.market_id,
        "slug": window.slug,
        "strike": None if window.strike_e18 is None else e18_text(window.strike_e18),
        "strike_source": window.strike_source or None,
        "close": None if window.close_e18 is None else e18_text(window.close_e18),
        "winner": None if window.winner is None else window.winner.value,
        **holdings_json(position.yes, position.no),
        "realized": dollars_text(position.realized_nanos),
        "fees": dollars_text(position.fees_nanos),
        "payout": dollars_text(window.payout_nanos),
        "pnl": dollars_text(window.pnl_nanos),
    }


def _unsettled_json(ledger: WindowLedger) -> dict[str, str]:
    position = ledger.snapshot()
    return {
        "market": ledger.market.market_id,
        "slug": ledger.market.slug,
        **holdings_json(position.yes, position.no),
        "realized": dollars_text(position.realized_nanos),
        "fees": dollars_text(position.fees_nanos),
    }


def _unsettled_text(ledger: WindowLedger, *, is_demo: bool) -> Text:
    """What is held, and what the window has cost so far."""
    position = ledger.snapshot()
    held = (
        f"{size_label(position.yes.quantity_units)} YES, "
        f"{size_label(position.no.quantity_units)} NO"
    )
    cost_nanos = position.yes.cost_nanos + position.no.cost_nanos
    spent = exact_money(position.realized_nanos - position.fees_nanos - cost_nanos)
    text = Text(f"{ledger.market.slug}: {held}, ").append_text(spent)
    if is_demo:
        return text.append(" so far; it stays so, for the demo's exchange has ended")
    return text.append(" so far; the next run on this directory settles it")


def summary_view(summary: Summary) -> RenderableType:
    """Draw the summary for people."""
    return Group(_windows_table(summary), Text(), facts_table(_facts(summary)))


def _facts(summary: Summary) -> Iterator[tuple[str, str | Text]]:
    if len(summary.pnl_by_series) > 1:
        yield "by series", split_label(summary.pnl_by_series)
    signals = ", ".join(f"{n} of priority {p}" for p, n in summary.orders_by_priority.items())
    yield "signals", signals or "none"
    yield "orders", f"{statuses_label(summary.orders_by_status)}; {summary.fills_count} fills"
    shown, late_count = _missed(summary)
    if summary.windows and late_count:
        late = count_label(late_count, "window")
        yield "watched", f"{late} ended that this run came too late to trade"
    if summary.windows:
        yield "strikes", strikes_label(window.strike_source for window in summary.windows)
    restarts = ", ".join(f"{role} {count}x" for role, count in sorted(summary.restarts.items()))
    yield "restarts", restarts or "none"
    if summary.halts:
        yield "halted", Text(halt_words(summary.halts), "bold red")
    for missed in shown:
        yield "not traded", Text(f"{missed.slug}: {missed.reason}", "yellow")
    for ledger in summary.unsettled:
        yield "unsettled", _unsettled_text(ledger, is_demo=summary.is_demo)
    for each in summary.corrections:
        change = f"{side_name(each.before)} to {side_name(each.after)}"
        line = Text(f"{each.slug}: from {change}, ", "bold red")
        line.append_text(exact_money(each.pnl_before_nanos)).append(" to ")
        yield "corrected", line.append_text(exact_money(each.pnl_after_nanos))
    yield "messages", f"{summary.handled_count:,}"
    for name, histogram in summary.latencies.items():
        yield name.replace("_", " "), latency_text(histogram)


def _missed(summary: Summary) -> tuple[list[WindowNotTraded], int]:
    """Return what is said of windows that were not traded, and how many are only counted.

    A run that traded others has a known reason for those already under way when it began.
    """
    shown = [
        each
        for each in summary.not_traded
        if each.opens_at_ms >= summary.began_ms or not summary.windows
    ]
    never_opened = [each for each in summary.not_traded if each.market_id is None]
    return shown, summary.watched_count + sum(each not in shown for each in never_opened)


def _windows_table(summary: Summary) -> RenderableType:
    if not summary.windows:
        watched = count_label(summary.watched_count, "window")
        late = f"; {watched} ended that it came too late to trade" if summary.watched_count else ""
        return Text(f"this run settled no window{late}", "dim italic")
    footers: dict[str, str | Text] = {
        "window": "all windows",
        "P&L": exact_money(summary.pnl_nanos),
    }
    headings = ("window", "moved", "won", "YES", "NO", "cost+fees", "paid out", "P&L")
    table = listing(*headings, right=("moved", *headings[3:]), footers=footers)
    table.columns[0].no_wrap = False  # the only column that shrinks when the terminal is narrow
    for window in summary.windows:
        table.add_row(*_window_cells(window))
    return table


def _window_cells(window: WindowSettled) -> list[RenderableType]:
    position = window.position
    # Purchases and fees minus sales: the P&L without the payout.
    spent_nanos = window.pnl_nanos - window.payout_nanos
    return [
        window.slug,
        move_label(window.strike_e18, window.close_e18),
        winner_label(window.winner),
        size_label(position.yes.quantity_units),
        size_label(position.no.quantity_units),
        exact_money(spent_nanos),
        exact_money(window.payout_nanos),
        exact_money(window.pnl_nanos),
    ]


def print_summary(
    reader: JournalReader,
    tally: Tally,
    start_seq: int,
    *,
    is_json: bool,
    is_demo: bool = False,
) -> None:
    """Print the summary of a run that began after an event's number."""
    summary = attrs.evolve(read_summary(reader, tally, start_seq), is_demo=is_demo)
    if is_json:
        click.echo(json.dumps(summary_json(summary), indent=2))
    else:
        Screen().print(summary_view(summary))
