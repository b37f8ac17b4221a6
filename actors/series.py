"""A series: an asset and a window length. Its windows follow each other without a gap.

Windows lie on multiples of their length since 1970, and a window's slug names its start, such as
``btc-updown-15m-1784851200``. Hourly windows are named by the New York clock:
``bitcoin-up-or-down-november-28-2026-9am-et``. Source: the venue's own slugs, as of 2026-11; of
hourly windows only Bitcoin's was seen, the other names are the underlyings' usual ones.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta

import attrs

from actors.setting_rules import one_of, setting

ASSETS = ("btc", "eth", "sol", "xrp", "doge", "bnb", "hype", "zec")
"""Every underlying that the venue publishes a settling average of."""
LENGTHS = {5: "5m", 15: "15m", 60: "1h", 240: "4h"}
"""Lengths of windows in minutes, and how the venue writes them."""

_HOURLY = 60
_HOURLY_NAMES = ("bitcoin", "ethereum", "solana", "xrp", "dogecoin", "bnb", "hyperliquid", "zcash")
"""The underlyings in slugs of hourly windows, in the order of ``ASSETS``."""
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_HOURLY_SLUG = re.compile("([a-z]+)-up-or-down-[a-z]+-[0-9]+-[0-9]{4}-[0-9]+[ap]m-et")
_SLUG = re.compile("([a-z]+)-updown-([0-9]+[mh])-[0-9]+")


@attrs.frozen(kw_only=True)
class SeriesSettings:
    """Which series of windows is traded."""

    asset: str = setting("btc", one_of(*ASSETS), "the underlying")
    window_minutes: int = setting(15, one_of(*LENGTHS), "length of a window")

    @property
    def name(self) -> str:
        """The name for people, roles and the command line, such as btc-15m."""
        return f"{self.asset}-{LENGTHS[self.window_minutes]}"

    @property
    def window_ms(self) -> int:
        """Length of a window."""
        return self.window_minutes * 60_000

    @property
    def coinbase_product(self) -> str:
        """The reference product at Coinbase, such as BTC-USD."""
        return f"{self.asset.upper()}-USD"

    @property
    def twap_symbol(self) -> str:
        """The symbol of the venue's older price source, such as btc/usd."""
        return f"{self.asset}/usd"

    @property
    def polybolt_symbol(self) -> str:
        """The symbol of its newer one, such as btcusd."""
        return f"{self.asset}usd"

    @property
    def is_hourly(self) -> bool:
        """Whether its windows are named by the New York clock, and may be settled differently."""
        return self.window_minutes == _HOURLY

    def slug(self, start_ms: int) -> str:
        """Return the venue's name of the window that starts then."""
        if self.is_hourly:
            at = _in_new_york(start_ms)
            hour = f"{at.hour % 12 or 12}{'am' if at.hour < 12 else 'pm'}"
            prefix = hourly_prefix(self.asset)
            return f"{prefix}{_MONTHS[at.month - 1]}-{at.day}-{at.year}-{hour}-et"
        return f"{self.asset}-updown-{LENGTHS[self.window_minutes]}-{start_ms // 1000}"


def series_named(name: str) -> SeriesSettings:
    """Return the series of a name, such as ``btc-15m``.

    Raises:
        ValueError: there is no such series; the sentence lists the permitted names.
    """
    asset, _, label = name.partition("-")
    minutes = {written: each for each, written in LENGTHS.items()}.get(label)
    if asset not in ASSETS or minutes is None:
        raise ValueError(
            f"{name!r} is not a series: an asset ({', '.join(ASSETS)}), a hyphen and a length "
            f"({', '.join(LENGTHS.values())}), such as btc-15m"
        )
    return SeriesSettings(asset=asset, window_minutes=minutes)


@functools.lru_cache(maxsize=1_024)
def series_of(slug: str) -> str:
    """Return the series of a window by its slug; empty if the slug does not show it."""
    found = _SLUG.fullmatch(slug)
    if found:
        return f"{found[1]}-{found[2]}"
    hourly = _HOURLY_SLUG.fullmatch(slug)
    if hourly is None or hourly[1] not in _HOURLY_NAMES:
        return ""
    return f"{ASSETS[_HOURLY_NAMES.index(hourly[1])]}-{LENGTHS[_HOURLY]}"


def hourly_prefix(asset: str) -> str:
    """Return the beginning of the slugs of an underlying's hourly windows."""
    return f"{_HOURLY_NAMES[ASSETS.index(asset)]}-up-or-down-"


def _in_new_york(at_ms: int) -> datetime:
    """Return the time in New York by the rules since 2007: no core may read time zone files."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    summer_begins = _sunday(at.year, month=3, earliest_day=8) + timedelta(hours=7)
    summer_ends = _sunday(at.year, month=11, earliest_day=1) + timedelta(hours=6)
    return at - timedelta(hours=4 if summer_begins <= at < summer_ends else 5)


def _sunday(year: int, *, month: int, earliest_day: int) -> datetime:
    earliest = datetime(year, month, earliest_day, tzinfo=UTC)
    return earliest + timedelta(days=6 - earliest.weekday())


def window_start_ms(now_ms: int, window_ms: int) -> int:
    """Return the start of the window at an instant; a boundary belongs to the window it opens."""
    return now_ms - now_ms % window_ms


def slug_part(text: str) -> str:
    """Return the common part of a series' slugs for its name; other texts are unchanged."""
    asset, _, label = text.partition("-")
    if asset not in ASSETS or label not in LENGTHS.values():
        return text
    return hourly_prefix(asset) if label == LENGTHS[_HOURLY] else f"{asset}-updown-{label}-"
