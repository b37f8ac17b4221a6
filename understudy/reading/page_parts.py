"""Building blocks of self-contained pages: no script, font or picture from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from string import Template

from understudy.display.html import Content, Html, facts, join, nothing, signed, table, tag
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
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
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


def page_text(*, title: str, heading: str, subtitle: str, body: Html, footer: str) -> str:
    """Write a page."""
    return _PAGE.substitute(
        title=join(title),
        heading=join(heading),
        subtitle=join(subtitle),
        body=body,
        footer=join(footer),
    )


def page_body(
    tiles: Iterable[Html],
    plots: Iterable[Html],
    sentences: Iterable[tuple[str, Content]],
    sections: Mapping[str, Html],
) -> Html:
    """Put a page's parts below each other."""
    cards = {"In words": facts(sentences), **sections}
    return join(
        tag("div", *tiles, class_="tiles"),
        tag("div", *plots, class_="plots"),
        *(
            tag("section", tag("h2", name), content, class_="card")
            for name, content in cards.items()
        ),
    )


def windows_table(
    windows: Sequence[WindowFigures], heading: str, cell: Callable[[WindowFigures], str]
) -> Html:
    """Write windows and their results, newest first, with one extra column."""
    if not any(window.is_settled for window in windows):
        return nothing("No window has settled yet.")
    numeric = ("P&L", "in all", "moved", "orders", heading, "fees")
    headings = ("opened", "P&L", "in all", "won", "moved", "orders", heading, "fees", "window")
    rows = [
        (
            minute_label(window.opens_at_ms),
            coloured_money(window.pnl_nanos) if window.is_settled else "-",
            coloured_money(total_nanos),
            winner_label(window.winner) if window.is_settled else "-",
            move_label(window.strike_e18, window.close_e18),
            str(window.orders_count),
            cell(window),
            coloured_money(-window.fees_nanos),
            window.slug,
        )
        for window, total_nanos in zip(windows, running_totals(windows), strict=True)
    ]
    return table("windows, newest first", headings, reversed(rows), numeric=numeric)


def tile(name: str, value: Content, note: str) -> Html:
    """Write one large number."""
    words = (tag("span", name, class_="muted"), tag("b", value), tag("span", note, class_="muted"))
    return tag("div", *words, class_="card tile")


def figure(title: str, svg: str, caption: str, tall_svg: str = "") -> Html:
    """Frame a plot; one with a tall variant has the page's width, and the page shows either."""
    drawn = _labelled(svg, title)
    if tall_svg:
        tall = tag("div", _labelled(tall_svg, title), class_="tall")
        drawn = join(tag("div", drawn, class_="wide"), tall)
    name = "card whole" if tall_svg else "card"
    return tag("figure", tag("h2", title), drawn, tag("figcaption", caption), class_=name)


def _labelled(svg: str, title: str) -> Html:
    return Html(svg.replace("<svg", f'<svg role="img" aria-label="{join(title)}"', 1))


def coloured_money(amount_nanos: int) -> Html:
    """Write a gain or a loss in its colour."""
    return signed(exact_money(amount_nanos))
