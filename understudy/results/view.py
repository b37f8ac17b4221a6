"""A run on the terminal: its windows, and its numbers in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from actors.units import NANOS_PER_DOLLAR
from understudy.display.screen import facts_table, listing
from understudy.display.wording import count_label, exact_money, span_label, statuses_label
from understudy.results.store import StoredRun

_REFUSALS_SHOWN = 3


def fact_lines(run: StoredRun) -> Iterator[tuple[str, str]]:
    """The facts of a run: a name and a sentence each."""
    summary = run.summary
    yield "strategy", _strategy_text(run)
    yield "P&L", _pnl_text(summary)
    yield "a window", _window_text(summary)
    yield "drawdown", _drawdown_text(summary["drawdown"])
    yield "exposure", _exposure_text(summary["exposure"])
    yield "orders", _order_text(summary)
    yield "legs", _leg_text(summary["leg_risk"])
    yield "model", _model_text(summary["model"])
    yield "reasons", _group_text(summary["by_reason"], "reason")
    yield "hours", _group_text(summary["by_hour"], "hour")
    if summary["refusals"]:
        shown = list(summary["refusals"].items())[:_REFUSALS_SHOWN]
        more = len(summary["refusals"]) - len(shown)
        words = "; ".join(f"{count:,} times: {reason}" for reason, count in shown)
        yield "refused", words + (f"; and {more} other reasons" if more else "")
    yield from _cautions(run)


def _strategy_text(run: StoredRun) -> str:
    use, backtest = run.run["strategy"]["use"], run.run["settings"]
    return (
        f"{use}; fills: {backtest['backtest.fill_model']}, "
        f"{backtest['execution.latency_ms']} ms to the venue; seed {run.run['seed']}"
    )


def _pnl_text(summary: dict[str, Any]) -> str:
    factor = summary["profit_factor"]
    words = (
        f"{_signed(summary['pnl'])} after {_cents(summary['fees'])} of fees over "
        f"{count_label(summary['settled'], 'settled window')}; {summary['traded']} traded, "
        f"{summary['won']} won, {summary['lost']} lost"
    )
    return words if factor is None else f"{words}; profit factor {factor:.2f}"


def _window_text(summary: dict[str, Any]) -> str:
    words = f"{_signed(summary['expectancy'])} on average if traded"
    interval = summary["mean_window_interval"]
    if interval is not None:
        words += (
            f", {_signed(summary['mean_window'])} over all: 95 % of resamples lie between "
            f"{interval['low']:+.2f} and {interval['high']:+.2f}"
        )
    return (
        f"{words}; Sharpe {_number(summary['sharpe_window'])}, "
        f"Sortino {_number(summary['sortino_window'])}"
    )


def _drawdown_text(fallen: dict[str, Any]) -> str:
    if not float(fallen["amount"]):
        return "none"
    return (
        f"${_cents(fallen['amount'])} over {count_label(fallen['windows'], 'window')}; at most "
        f"{count_label(fallen['longest_windows'], 'window')} without a new high"
    )


def _exposure_text(exposure: dict[str, Any]) -> str:
    return (
        f"at most ${_cents(exposure['largest'])} paid in a window, ${_cents(exposure['mean'])} on "
        f"average; something held {_percent(exposure['time_share'])} of the time"
    )


def _order_text(summary: dict[str, Any]) -> str:
    statuses = statuses_label(summary["orders_by_status"])
    return (
        f"{summary['orders']} ({statuses}); {_percent(summary['fill_ratio'])} of the "
        f"size traded, in {summary['taker_fills']} taker and {summary['maker_fills']} maker fills"
    )


def _leg_text(legs: dict[str, Any]) -> str:
    if not legs["pairs"]:
        return "no pair was ordered"
    return (
        f"{legs['one_legged']} of {legs['pairs']} pairs were one-legged, for at most "
        f"{span_label(legs['longest_ms'])} and ${_cents(legs['worst'])}"
    )


def _model_text(model: dict[str, Any]) -> str:
    if not model["predictions"]:
        return "the strategy gave no value of its own"
    return (
        f"Brier score {model['brier']:.4f}, the market's own price {model['market_brier']:.4f} "
        f"(0 is perfect, 0.25 a coin), over {model['predictions']:,} predictions"
    )


def _group_text(groups: Sequence[dict[str, Any]], key: str) -> str:
    return "; ".join(f"{group[key]} {_signed(group['pnl'])}" for group in groups) or "none"


def _cautions(run: StoredRun) -> Iterator[tuple[str, str]]:
    summary, recordings = run.summary, run.run["recordings"]
    derived = sum(bool(each["derived"]) for each in recordings)
    if derived:
        words = f"{derived} of {len(recordings)} recordings have derived prices of the underlying: "
        yield "caution", words + "model and strategy saw what the books imply"
    if not summary["public_trades"]:
        yield "caution", "no public trade was recorded: queues move only by the displayed levels"
    unsettled = summary["windows"] - summary["settled"]
    if unsettled:
        yield "caution", f"{count_label(unsettled, 'window')} without a result count nowhere"
    if run.run["left_out"]:
        yield "caution", f"it was stopped: {run.run['left_out']} windows were not played"
    if summary["errors"]:
        yield "caution", f"{len(summary['errors'])} errors were logged: {summary['errors'][0]}"


def run_view(run: StoredRun, *, rows: int | None) -> RenderableType:
    """Draw a run, with the newest ``rows`` windows, or all of them.

    Raises:
        BadResults: its table of windows cannot be read.
    """
    return Group(_windows_table(run, rows), Text(), facts_table(fact_lines(run)))


def _windows_table(run: StoredRun, rows: int | None) -> Table:
    windows = run.rows("windows")
    numeric = ("orders", "fills", "fees", "P&L", "in all")
    table = listing("window", "won", *numeric, right=numeric)
    shown = windows if rows is None else windows[-rows:]
    for window in shown:
        table.add_row(
            window["slug"],
            {"YES": "Up", "NO": "Down"}.get(window["winner"], window["winner"] or "-"),
            window["orders"],
            window["fills"],
            _money_text(f"-{window['fees']}"),
            _money_text(window["pnl"]),
            _money_text(window["total"]),
        )
    if len(shown) < len(windows):
        table.caption = f"the newest {len(shown)} of {len(windows):,}: --last 0 shows all"
    return table


def _money_text(dollars: str) -> Text:
    return exact_money(round(float(dollars) * NANOS_PER_DOLLAR))


def _signed(dollars: str | None) -> str:
    return (
        "-" if dollars is None else f"{'-' if dollars.startswith('-') else '+'}${_cents(dollars)}"
    )


def _cents(dollars: str | None) -> str:
    return "-" if dollars is None else f"{abs(float(dollars)):,.2f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3f}"
