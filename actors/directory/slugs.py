"""Window arithmetic: the grid of windows, and the names the venue gives them.

Windows of a series follow each other without a gap, on multiples of their length since 1970. A
window's slug names its start: ``btc-updown-15m-1784851200``.
"""

from __future__ import annotations

from actors.settings import SeriesSettings


def window_start_ms(now_ms: int, window_ms: int) -> int:
    """Start of the window that an instant lies in; a boundary belongs to the window it opens."""
    return now_ms - now_ms % window_ms


def window_slug(series: SeriesSettings, start_ms: int) -> str:
    """The venue's name of the window that starts then."""
    return f"{series.asset}-updown-{series.window_minutes}m-{start_ms // 1000}"
