"""One window's market: its name, its ids and its times.

Everything follows from asset, length and start, so the same window has the same ids in every run.
Source of the shapes: Polymarket's metadata of the up/down series.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from zoneinfo import ZoneInfo

import attrs

RESOLVE_DELAY_MS = 16_000
"""How long after its end a window is resolved, as observed at the venue."""
TWAP_SECONDS = 60
"""Length of the average that opens and settles a window."""


LENGTHS_MINUTES = (5, 15, 60, 240)
"""Window lengths."""

_HOURLY_NAMES = {
    "btc": "bitcoin",
    "eth": "ethereum",
    "sol": "solana",
    "xrp": "xrp",
    "doge": "dogecoin",
    "bnb": "bnb",
    "hype": "hyperliquid",
    "zec": "zcash",
}
"""Asset names in the slugs of hourly windows."""
_NEW_YORK = ZoneInfo("America/New_York")


def _digest(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


@attrs.frozen(kw_only=True)
class Window:
    """A window and the venue's ids of it."""

    asset: str
    minutes: int
    opens_at_ms: int
    condition_id: str
    up_token: str
    down_token: str

    @classmethod
    def at(cls, asset: str, minutes: int, opens_at_ms: int) -> Window:
        """Describe the window that opens then, with ids made from its slug."""
        slug = window_slug(asset, minutes, opens_at_ms)
        return cls(
            asset=asset,
            minutes=minutes,
            opens_at_ms=opens_at_ms,
            condition_id="0x" + _digest(slug, "condition"),
            up_token=str(int(_digest(slug, "up"), 16)),
            down_token=str(int(_digest(slug, "down"), 16)),
        )

    @property
    def slug(self) -> str:
        """Such as ``btc-updown-15m-1795363200``; an hourly one is named by New York's clock."""
        return window_slug(self.asset, self.minutes, self.opens_at_ms)

    @property
    def number(self) -> str:
        """The venue's short numeric id of the market row."""
        return str(2_000_000 + int(_digest(self.slug, "row")[:8], 16) % 1_000_000)

    @property
    def question_id(self) -> str:
        """The id of the question that the condition was made for."""
        return "0x" + _digest(self.slug, "question")

    @property
    def closes_at_ms(self) -> int:
        """End of the window: the close is the average up to this instant."""
        return self.opens_at_ms + self.minutes * 60_000

    @property
    def resolves_at_ms(self) -> int:
        """When the winner is announced."""
        return self.closes_at_ms + RESOLVE_DELAY_MS

    @property
    def tokens(self) -> tuple[str, str]:
        """Up's token, then Down's."""
        return (self.up_token, self.down_token)


def length_label(minutes: int) -> str:
    """Write a window's length as the venue does: 15m, or 4h."""
    return f"{minutes}m" if minutes < 60 else f"{minutes // 60}h"


def window_slug(asset: str, minutes: int, opens_at_ms: int) -> str:
    """Name a window as the venue does.

    An hourly one is named like ``bitcoin-up-or-down-november-28-2026-9am-et``; any other has its
    start in unix seconds.
    """
    if minutes == 60:
        at = datetime.fromtimestamp(opens_at_ms / 1000, _NEW_YORK)
        day = f"{at:%B}-{at.day}-{at.year}-{at.hour % 12 or 12}{at:%p}"
        return f"{_HOURLY_NAMES[asset]}-up-or-down-{day}-et".lower()
    return f"{asset}-updown-{length_label(minutes)}-{opens_at_ms // 1000}"


def window_start_ms(minutes: int, now_ms: int) -> int:
    """Start of the window that contains an instant."""
    length_ms = minutes * 60_000
    return now_ms - now_ms % length_ms
