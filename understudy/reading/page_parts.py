"""Building blocks of self-contained pages: no script, font or picture from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from string import Template

from actors.shown_text import shown
from understudy.display.wording import exact_money, move_label, winner_label
from understudy.reading.moments import minute_label
from understudy.reading.windows import WindowFigures, running_totals

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Understudy: $title</title>
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
<header><h1>$heading</h1><p class="muted">$subtitle</p></header>
$body
<footer>$footer</footer>
</body>
</html>
""")


def escaped(text: str) -> str:
    """Escape plain text for HTML; markup and control characters are shown and have no effect."""
    return escape(shown(text, keeps_breaks=True))


def page_text(*, title: str, heading: str, subtitle: str, body: str, footer: str) -> str:
    """Write a page; ``body`` is HTML, everything else is text."""
    return _PAGE.substitute(
        title=escaped(title),
        heading=escaped(heading),
        subtitle=escaped(subtitle),
        body=body,
        footer=escaped(footer),
    )


def page_body(
    tiles: Iterable[str],
    plots: Iterable[str],
    facts: Iterable[tuple[str, str]],
    sections: Mapping[str, str],
) -> str:
    """Put a page's parts below each other; all but the facts and headings are HTML already."""
    items = "".join(f"<dt>{escaped(name)}</dt><dd>{escaped(words)}</dd>" for name, words in facts)
    cards = {"In words": f"<dl>{items}</dl>", **sections}
    return f'<div class="tiles">{"".join(tiles)}</div><div class="plots">{"".join(plots)}</div>' + (
        "".join(
            f'<section class="card"><h2>{escaped(heading)}</h2>{content}</section>'
            for heading, content in cards.items()
        )
    )


def windows_table(
    windows: Sequence[WindowFigures], heading: str, cell: Callable[[WindowFigures], str]
) -> str:
    """Write windows and their results, newest first, with one extra column."""
    if not any(window.is_settled for window in windows):
        return '<p class="muted">No window has settled yet.</p>'
    numeric = ("P&L", "in all", "moved", "orders", heading, "fees")
    headings = ("opened", "P&L", "in all", "won", "moved", "orders", heading, "fees", "window")
    rows = (
        [
            minute_label(window.opens_at_ms),
            coloured_money(window.pnl_nanos) if window.is_settled else "-",
            coloured_money(total_nanos),
            winner_label(window.winner) if window.is_settled else "-",
            move_label(window.strike_e18, window.close_e18),
            str(window.orders_count),
            cell(window),
            coloured_money(-window.fees_nanos),
            escaped(window.slug),
        ]
        for window, total_nanos in zip(windows, running_totals(windows), strict=True)
    )
    return table(headings, reversed(list(rows)), numeric=numeric)


def tile(name: str, value: str, note: str) -> str:
    """Write one large number; ``value`` is HTML."""
    return (
        f'<div class="card tile"><span class="muted">{escaped(name)}</span><b>{value}</b>'
        f'<span class="muted">{escaped(note)}</span></div>'
    )


def figure(title: str, svg: str, caption: str, tall_svg: str = "") -> str:
    """Frame a plot; one with a tall variant has the page's width, and the page shows either."""
    drawn = _labelled(svg, title)
    if tall_svg:
        tall = _labelled(tall_svg, title)
        drawn = f'<div class="wide">{drawn}</div><div class="tall">{tall}</div>'
    return (
        f'<figure class="{"card whole" if tall_svg else "card"}"><h2>{escaped(title)}</h2>{drawn}'
        f"<figcaption>{escaped(caption)}</figcaption></figure>"
    )


def _labelled(svg: str, title: str) -> str:
    return svg.replace("<svg", f'<svg role="img" aria-label="{escaped(title)}"', 1)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, numeric: Sequence[str]) -> str:
    """Write a table whose cells are HTML already."""
    classes = ["number" if heading in numeric else "" for heading in headings]
    head = table_row("th", [escaped(heading) for heading in headings], classes)
    return f"<table>{head}{''.join(table_row('td', cells, classes) for cells in rows)}</table>"


def table_row(tag: str, cells: Sequence[str], classes: Sequence[str]) -> str:
    """Write a row whose cells are HTML already, each with a class or None."""
    written = (
        f'<{tag} class="{name}">{cell}</{tag}>' if name else f"<{tag}>{cell}</{tag}>"
        for cell, name in zip(cells, classes, strict=True)
    )
    return f"<tr>{''.join(written)}</tr>"


def coloured_money(amount_nanos: int) -> str:
    """Write a gain or a loss in its colour."""
    words = exact_money(amount_nanos).plain
    name = {"+": "gain", "-": "loss"}.get(words[0])
    return f'<span class="{name}">{words}</span>' if name else words
