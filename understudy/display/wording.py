"""Amounts, prices and times as shown on a screen: rounded, signed, coloured. Never stored."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from rich.text import Text

from actors.messages.execution import OrderStatus
from actors.messages.market import MarketSnapshot
from actors.messages.position import PositionSnapshot
from actors.model import Action, Side
from actors.series import series_of
from actors.units import E18, NANOS_PER_DOLLAR, UNITS_PER_SHARE
from actors.units import price_label as price_label
from understudy.display.latency import Histogram

_NANOS_PER_CENT = NANOS_PER_DOLLAR // 100
_ORDER_ID = re.compile(r"order_(\d+)_[0-9a-f]{8}")


def size_label(size_units: int) -> str:
    """Write a share count, with at most two decimals."""
    return f"{size_units / UNITS_PER_SHARE:,.2f}".rstrip("0").rstrip(".")


def depth_label(size_units: int) -> str:
    """Write a book level's size in at most five characters."""
    count = size_units / UNITS_PER_SHARE
    if count < 10_000:
        return f"{count:.1f}".removesuffix(".0") if count < 100 else f"{count:.0f}"
    return f"{count / 1_000:.0f}k" if count < 10_000_000 else f"{count / 1_000_000:.0f}M"


def reference_label(price_e18: int) -> str:
    """Write the underlying's price: in cents if it is high, with more decimals if it is low."""
    price = price_e18 / E18
    return f"{price:,.2f}" if abs(price) >= 100 else f"{price:,.5f}"


def move_label(strike_e18: int | None, price_e18: int | None) -> str:
    """Write a price's signed distance from the strike; a dash if either is unknown."""
    if strike_e18 is None or price_e18 is None:
        return "-"
    distance = price_e18 - strike_e18
    sign = "-" if distance < 0 else "+"
    is_dear = strike_e18 >= 100 * E18
    return f"{sign}{abs(distance) / E18:,.{2 if is_dear else 5}f}"


def winner_label(winner: Side | None) -> str:
    """Write the winner of a settled window."""
    return {Side.YES: "Up", Side.NO: "Down", None: "void"}[winner]


def won_label(winner: Side | None) -> str:
    """Write the winner as a phrase of its own."""
    return winner_label(winner) + ("" if winner is None else " won")


def strikes_label(sources: Iterable[str]) -> str:
    """Write the sources of the strikes of some windows, with the number of windows of each."""
    counts = Counter(source or "without a source" for source in sources)
    return "; ".join(f"{count} {source}" for source, count in counts.most_common())


def money(amount_nanos: int) -> Text:
    """Write a gain green, a loss red, always with its sign, to the cent."""
    return _coloured(amount_nanos, f"{amount_nanos / NANOS_PER_DOLLAR:+,.2f}")


def exact_money(amount_nanos: int) -> Text:
    """Write a gain green, a loss red, with its sign and all its decimals, two at least.

    For results that people add up: rounded ones would not add up.
    """
    dollars, nanos = divmod(abs(amount_nanos), NANOS_PER_DOLLAR)
    decimals = f"{nanos:09}".rstrip("0").ljust(2, "0")
    sign = "-" if amount_nanos < 0 else "+"
    return _coloured(amount_nanos, f"{sign}{dollars:,}.{decimals}")


def _coloured(amount_nanos: int, text: str) -> Text:
    if text in ("+0.00", "-0.00"):
        return Text("0.00", "dim")
    return Text(text, "green" if amount_nanos > 0 else "red")


def cents(amount_nanos: int) -> int:
    """Round an amount to what ``money`` shows of it, so that shown amounts add up as shown."""
    return round(amount_nanos / _NANOS_PER_CENT) * _NANOS_PER_CENT


def cents_text(amount_nanos: int) -> str:
    """Write an amount to the cent, without a sign of its own: ``1,234.50``."""
    return f"{amount_nanos / NANOS_PER_DOLLAR:,.2f}"


def count_label(count: int, noun: str) -> str:
    """Write a count and its noun: ``1 fill``, ``2 fills``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def what_text(action: Action, side: Side) -> Text:
    """Write what an order does, such as ``BUY YES``."""
    return Text(f"{action.value} {side.value}", "green" if action is Action.BUY else "red")


def status_label(status: OrderStatus) -> str:
    """Write an order's status in one word."""
    is_partial = status is OrderStatus.PARTIALLY_FILLED
    return "partial" if is_partial else status.value.lower()


def statuses_label(counts: Mapping[str, int]) -> str:
    """Write how many orders have each status: ``2 cancelled, 3 filled``."""
    names = ((name.lower().replace("_", " "), count) for name, count in counts.items())
    return ", ".join(f"{count} {name}" for name, count in names) or "none"


def order_label(name: str) -> str:
    """Write an order's id in short, ``order 3``; any other name stays as it is."""
    found = _ORDER_ID.fullmatch(name)
    return f"order {found[1]}" if found else name


def sums_by_series(amounts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Add up amounts of windows, given by their slugs, by series in order of appearance."""
    sums: dict[str, int] = {}
    for slug, nanos in amounts:
        series = series_of(slug)
        sums[series] = sums.get(series, 0) + nanos
    return sums


def split_label(by_series: Mapping[str, int]) -> Text:
    """Write the money of each series: ``btc-15m +1.25, eth-5m -0.40``."""
    split = Text()
    for series, nanos in by_series.items():
        split.append(", " if split else "").append(f"{series} ", "dim")
        split.append_text(exact_money(nanos))
    return split


def slug_labels(slugs: Iterable[str]) -> dict[str, str]:
    """Labels of windows listed together: short ones, which name the series if there are several."""
    each = list(slugs)
    if len({series_of(slug) for slug in each}) < 2:
        return {slug: slug_label(slug) for slug in each}
    # Six digits of the start are unique within eleven days.
    return {slug: f"{series_of(slug)} …{_own_part(slug)[-6:]}" for slug in each}


def slug_label(slug: str) -> str:
    """Write a window's slug by its last part, which is unique within its series."""
    return f"…{_own_part(slug)}"


def _own_part(slug: str) -> str:
    """The start in Unix seconds; for an hourly window day and hour, such as ``28-9am``."""
    start = slug.rpartition("-")[2]
    if start.isdigit():
        return start
    words = slug.removesuffix("-et").split("-")
    return f"{words[-3]}-{words[-1]}" if len(words) > 3 else slug


def pause_label(pause_ms: float) -> str:
    """Write how long something was missing: hundredths below 10 s, such as ``0.05 s``."""
    return f"{pause_ms / 1000:.2f} s" if pause_ms < 10_000 else span_label(round(pause_ms))


def span_label(span_ms: int) -> str:
    """Write a span of time in its two largest units, such as ``1h 05m``; below 10 s in tenths."""
    span_ms = max(0, span_ms)
    seconds = span_ms // 1000
    if seconds < 10:
        return f"{span_ms / 1000:.1f}s"
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m {seconds % 60:02}s"
    return f"{seconds // 3600}h {seconds // 60 % 60:02}m"


def clock_label(time_ms: int) -> str:
    """Write venue time as a time of day, UTC."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%H:%M:%S")


def marked_nanos(position: PositionSnapshot, snapshot: MarketSnapshot | None) -> int:
    """P&L of a window if its holdings were sold at the best bids; zero for those without a bid."""
    bids = (0, 0)
    if snapshot is not None and snapshot.market.market_id == position.market_id:
        bids = (snapshot.yes.best_bid_ticks or 0, snapshot.no.best_bid_ticks or 0)
    worth = position.yes.quantity_units * bids[0] + position.no.quantity_units * bids[1]
    cost = position.yes.cost_nanos + position.no.cost_nanos
    return worth + position.realized_nanos - cost - position.fees_nanos


def latency_text(histogram: Histogram) -> str:
    """Write a latency's median and 99th percentile, and the number of samples."""
    median, high = histogram.percentile(50), histogram.percentile(99)
    if median is None or high is None:
        return "no samples"
    return f"p50 {median / 1000:.1f} ms, p99 {high / 1000:.1f} ms of {histogram.count:,}"
