"""The report as one page: no script, no font, no picture from anywhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from string import Template

from understudy.reading.legs import PairRisk
from understudy.reading.moments import day_label, exact_label, minute_label, moment_label
from understudy.reading.performance import Performance
from understudy.reading.plots import (
    fees_plot,
    fill_ratio_plot,
    pnl_plot,
    price_plot,
    status_plot,
)
from understudy.reading.report_view import (
    fact_rows,
    limits_label,
    percent_label,
    winner_label,
)
from understudy.wording import cents_text, exact_money, move_label, size_label, span_label

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Understudy: report</title>
<style>
:root { color-scheme: light dark;
  --page: #f6f6f4; --card: #ffffff; --ink: #22262b; --muted: #6a7078; --grid: #e1e3e6;
  --gain: #2f9263; --loss: #c64b4f; --accent: #3b6fb0; }
@media (prefers-color-scheme: dark) { :root {
  --page: #15171a; --card: #1d2024; --ink: #e6e8ea; --muted: #9aa1a9; --grid: #353a41;
  --gain: #54bd8b; --loss: #e2777a; --accent: #78a8e4; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 70rem; background: var(--page);
  color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, Helvetica, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; font-weight: 650; }
h2 { margin: 0 0 .6rem; font-size: .95rem; font-weight: 600; }
p { margin: .2rem 0 0; }
.muted, th, dt, figcaption, footer { color: var(--muted); }
.gain { color: var(--gain); } .loss { color: var(--loss); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr));
  gap: .9rem; margin: 1.4rem 0 .9rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
  gap: .9rem; }
.card { margin: 0; padding: 1rem 1.15rem; background: var(--card); border: 1px solid var(--grid);
  border-radius: .55rem; min-width: 0; }
.card.whole { grid-column: 1 / -1; }
.tile b { display: block; font-size: 1.55rem; font-weight: 600; line-height: 1.25; }
section.card { margin-top: .9rem; overflow-x: auto; }
svg { display: block; width: 100%; height: auto; }
.card:not(.whole) svg { max-width: 34rem; }
svg text { font-family: inherit !important; }
figcaption { margin-top: .5rem; font-size: .85rem; }
table { width: 100%; border-collapse: collapse; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
th { font-weight: 500; font-size: .85rem; }
th, td { padding: .32rem .7rem .32rem 0; text-align: left; white-space: nowrap;
  border-bottom: 1px solid var(--grid); }
tr:last-child td { border-bottom: 0; }
.number { text-align: right; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: 0; }
dd { margin: 0; }
footer { margin-top: 1.4rem; font-size: .85rem; }
.tall { display: none; }
@media (max-width: 40rem) {
  body { padding: 1.1rem .7rem 2rem; }
  .tiles { grid-template-columns: 1fr 1fr; gap: .6rem; margin-top: 1rem; }
  .card { padding: .75rem .8rem; }
  .tile b { font-size: 1.25rem; }
  .wide { display: none; } .tall { display: block; }
  dl { grid-template-columns: 1fr; gap: .1rem; } dd { margin-bottom: .5rem; }
}
</style>
</head>
<body>
<header><h1>Understudy</h1><p class="muted">$subtitle</p></header>
<div class="tiles">$tiles</div>
<div class="plots">$plots</div>
<section class="card"><h2>In words</h2><dl>$facts</dl></section>
<section class="card"><h2>Leg risk of arbitrage pairs</h2>$pairs</section>
<section class="card"><h2>Windows</h2>$windows</section>
<footer>Times are venue time, UTC. Prices are dollars a share. P&amp;L is what a window paid out
and sales brought, less cost and fees. Money at risk is the cost of shares that only one leg had
filled and that nothing covered, at its highest.</footer>
</body>
</html>
""")


def report_page(performance: Performance) -> str:
    """Build the page."""
    return _PAGE.substitute(
        subtitle=escape(_subtitle(performance)),
        tiles="".join(_tiles(performance)),
        plots="".join(_plots(performance)),
        facts="".join(
            f"<dt>{escape(name)}</dt><dd>{escape(words.plain)}</dd>"
            for name, words in fact_rows(performance)
        ),
        pairs=_pairs_table(performance.leg_risk.one_legged),
        windows=_windows_table(performance),
    )


def _subtitle(performance: Performance) -> str:
    if not performance.as_of_ms:
        return "The journal is empty."
    at_ms = performance.as_of_ms
    as_of = f"The journal as of {day_label(at_ms)} {exact_label(at_ms)[:-4]} UTC"
    if not performance.windows:
        return f"{as_of}; no window has settled yet."
    first = performance.windows[0]
    series = {window.settled.slug.rpartition("-")[0] for window in performance.windows}
    since = minute_label(first.opens_at_ms)
    return f"{as_of}; {', '.join(sorted(series))}, windows since {since}."


def _tiles(performance: Performance) -> Iterable[str]:
    risk = performance.leg_risk
    traded = len(performance.traded_windows)
    total = performance.fill_ratio
    yield _tile("P&L", _money(performance.pnl_nanos), f"{traded} windows traded")
    yield _tile(
        "fees", _money(-performance.fees_nanos), f"{performance.taker_fills_count} taker fills"
    )
    yield _tile(
        "fill ratio",
        percent_label(total.ratio),
        f"{total.touched_count} of {total.orders_count} orders traded",
    )
    yield _tile(
        "most at risk on one leg",
        f"${cents_text(risk.worst_nanos)}",
        f"{len(risk.one_legged)} of {len(risk.pairs)} pairs one-legged",
    )


def _tile(name: str, value: str, note: str) -> str:
    return (
        f'<div class="card tile"><span class="muted">{escape(name)}</span><b>{value}</b>'
        f'<span class="muted">{escape(note)}</span></div>'
    )


def _plots(performance: Performance) -> Iterable[str]:
    """Draw what there is something to draw of."""
    windows, orders = performance.windows, performance.orders
    if windows:
        yield _figure(
            "P&L by window",
            pnl_plot(windows),
            "Bars: one window each. Line: all of them up to there.",
            pnl_plot(windows, is_tall=True),
        )
        yield _figure("Fees by window", fees_plot(windows), "Only takers pay.")
    if orders:
        yield _figure(
            "Fill ratio by priority",
            fill_ratio_plot(performance.fill_ratio_by_priority),
            "Shares traded of those ordered, in orders that have ended.",
        )
        yield _figure("Orders by status", status_plot(performance.orders_by_status), "All orders.")
    if performance.filled_units:
        yield _figure(
            "Price against limit",
            price_plot(orders),
            "On the line: traded at the limit. Below it a buy was cheaper, above it a sale dearer.",
        )


def _figure(title: str, svg: str, caption: str, tall_svg: str = "") -> str:
    """Frame a plot; one that has a tall variant is as wide as the page, which shows either."""
    drawn = _labelled(svg, title)
    if tall_svg:
        tall = _labelled(tall_svg, title)
        drawn = f'<div class="wide">{drawn}</div><div class="tall">{tall}</div>'
    return (
        f'<figure class="{"card whole" if tall_svg else "card"}"><h2>{escape(title)}</h2>{drawn}'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _labelled(svg: str, title: str) -> str:
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)


def _pairs_table(pairs: Sequence[PairRisk]) -> str:
    if not pairs:
        return '<p class="muted">No pair was ever one-legged.</p>'
    rows = (
        [
            moment_label(pair.created_at_ms),
            f"${cents_text(pair.worst_nanos)}",
            pair.end.value,
            span_label(pair.one_legged_ms),
            size_label(pair.worst_units),
            limits_label(pair),
            size_label(pair.yes.filled_units),
            size_label(pair.no.filled_units),
            escape(pair.yes.intent.order_id),
            escape(pair.market.slug),
        ]
        for pair in pairs
    )
    return _table(_PAIR_HEADINGS, rows, numeric=_PAIR_NUMBERS)


_PAIR_HEADINGS = (
    *("ordered", "at risk", "end", "for", "shares", "limits"),
    *("YES", "NO", "YES order", "window"),
)
_PAIR_NUMBERS = ("YES", "NO", "at risk", "shares", "for")
_WINDOW_HEADINGS = ("opened", "P&L", "in all", "won", "moved", "orders", "filled", "fees", "window")
_WINDOW_NUMBERS = ("moved", "orders", "filled", "fees", "P&L", "in all")


def _windows_table(performance: Performance) -> str:
    if not performance.windows:
        return '<p class="muted">No window has settled yet.</p>'
    rows = (
        [
            minute_label(window.opens_at_ms),
            _money(window.settled.pnl_nanos),
            _money(window.settled.total_pnl_nanos),
            winner_label(window.settled.winner),
            move_label(window.settled.strike_e18, window.settled.close_e18),
            str(window.orders_count),
            percent_label(window.fill_ratio.ratio),
            _money(-window.settled.position.fees_nanos),
            escape(window.settled.slug),
        ]
        for window in reversed(performance.windows)
    )
    return _table(_WINDOW_HEADINGS, rows, numeric=_WINDOW_NUMBERS)


def _table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], *, numeric: Sequence[str]
) -> str:
    """Write a table of cells that are HTML already."""
    classes = ["number" if heading in numeric else "" for heading in headings]
    head = _row("th", [escape(heading) for heading in headings], classes)
    return f"<table>{head}{''.join(_row('td', cells, classes) for cells in rows)}</table>"


def _row(tag: str, cells: Sequence[str], classes: Sequence[str]) -> str:
    written = (
        f'<{tag} class="{name}">{cell}</{tag}>' if name else f"<{tag}>{cell}</{tag}>"
        for cell, name in zip(cells, classes, strict=True)
    )
    return f"<tr>{''.join(written)}</tr>"


def _money(amount_nanos: int) -> str:
    """Write a gain or a loss in its colour."""
    words = exact_money(amount_nanos).plain
    name = {"+": "gain", "-": "loss"}.get(words[0])
    return f'<span class="{name}">{words}</span>' if name else words
