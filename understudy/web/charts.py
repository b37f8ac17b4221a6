"""Charts as SVG, without script, in colours from the page's own classes.

Each fills the width it is given; its labels are HTML around it, so that they stay readable.
"""

from __future__ import annotations

from collections.abc import Sequence

from understudy.display.html import Content, Html, join, tag

_WIDTH, _HEIGHT = 1_000, 100
_POINTS_MAX = 400


def price_chart(prices: Sequence[float], strike: float | None, words: str) -> Html:
    """Draw a price, and its strike as a dashed line."""
    shown = _thinned(prices)
    values = [*shown, *([] if strike is None else [strike])]
    scale = _Scale(min(values), max(values))
    strike_y = None if strike is None else scale.y(strike)
    parts = []
    if strike_y is not None:
        parts.append(_line(strike_y, "strike"))
    parts.append(_polyline(shown, scale, "price"))
    return _svg(words, *parts)


def total_chart(totals: Sequence[float], words: str) -> Html:
    """Draw a running total over its line of zero."""
    shown = _thinned([0.0, *totals])
    scale = _Scale(min(0.0, *shown), max(0.0, *shown))
    return _svg(
        words,
        _area(shown, scale, "gain-area" if shown[-1] >= 0 else "loss-area"),
        _line(scale.y(0.0), "zero"),
        _polyline(shown, scale, "price"),
    )


def bar_chart(values: Sequence[float], words: str) -> Html:
    """Draw a bar for each value, gains up and losses down."""
    scale = _Scale(min(0.0, *values), max(0.0, *values))
    step = _WIDTH / len(values)
    zero_y = scale.y(0.0)
    bars = (
        tag(
            "rect",
            x=_text(number * step + step * 0.1),
            width=_text(step * 0.8),
            y=_text(min(zero_y, scale.y(value))),
            height=_text(max(0.8, abs(scale.y(value) - zero_y))),
            class_="gain-bar" if value > 0 else "loss-bar" if value < 0 else "zero-bar",
        )
        for number, value in enumerate(values)
    )
    return _svg(words, *bars, _line(zero_y, "zero"))


def drawdown_chart(drawdowns: Sequence[float], words: str) -> Html:
    """Draw how far a total is below its earlier maximum; values are 0 or negative."""
    shown = _thinned([0.0, *drawdowns])
    scale = _Scale(min(-0.01, *shown), 0.0)
    return _svg(words, _area(shown, scale, "loss-area"), _polyline(shown, scale, "loss-line"))


def depth_bar(part: float, name: str) -> Html:
    """Draw a book level's size, relative to the others, as a bar behind its numbers."""
    width = _text(max(0.0, min(1.0, part)) * 100)
    x = "0" if name == "ask" else _text(100 - float(width))
    bar = tag("rect", x=x, y="0", width=width, height="10")
    return _plain_svg(bar, class_=f"depth {name}", viewBox="0 0 100 10", aria_hidden="true")


def figure(title: str, chart: Html, high: str, low: str, feet: Sequence[str]) -> Html:
    """Put a chart between its labels: the ends of its scale, and the text below it."""
    return tag(
        "figure",
        tag("figcaption", title),
        tag(
            "div",
            chart,
            tag("span", high, class_="high"),
            tag("span", low, class_="low"),
            class_="plot",
        ),
        tag("div", *(tag("span", each) for each in feet), class_="feet"),
    )


class _Scale:
    """Maps values to positions in the picture, with a margin above and below."""

    def __init__(self, lowest: float, highest: float) -> None:
        span = highest - lowest or max(abs(highest), 1.0) * 0.001
        self._lowest, self._span = lowest - 0.06 * span, 1.12 * span

    def y(self, value: float) -> float:
        return _HEIGHT * (1 - (value - self._lowest) / self._span)


def _thinned(values: Sequence[float]) -> list[float]:
    """Return at most ``_POINTS_MAX`` of the values, evenly spaced, including the last."""
    if len(values) <= _POINTS_MAX:
        return list(values)
    step = (len(values) - 1) / (_POINTS_MAX - 1)
    return [values[round(number * step)] for number in range(_POINTS_MAX)]


def _points(values: Sequence[float], scale: _Scale) -> str:
    step = _WIDTH / max(1, len(values) - 1)
    return " ".join(
        f"{_text(number * step)},{_text(scale.y(value))}" for number, value in enumerate(values)
    )


def _polyline(values: Sequence[float], scale: _Scale, name: str) -> Html:
    doubled = [*values, values[-1]] if len(values) == 1 else values
    return tag("polyline", points=_points(doubled, scale), class_=name)


def _area(values: Sequence[float], scale: _Scale, name: str) -> Html:
    zero = _text(scale.y(0.0))
    points = f"0,{zero} {_points(values, scale)} {_WIDTH},{zero}"
    return tag("polygon", points=points, class_=name)


def _line(y: float, name: str) -> Html:
    return tag("line", x1="0", x2=str(_WIDTH), y1=_text(y), y2=_text(y), class_=name)


def _svg(words: str, *content: Content) -> Html:
    return _plain_svg(
        *content, class_="chart", viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", aria_label=words
    )


def _plain_svg(*content: Content, **attributes: str) -> Html:
    return tag("svg", join(*content), preserveAspectRatio="none", **attributes)


def _text(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
