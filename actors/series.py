"""A series: an asset and a window length. Its windows follow each other without a gap.

Windows lie on multiples of their length since 1970, and a window's slug names its start, such as
``btc-updown-15m-1784851200``.
"""

from __future__ import annotations

import functools
import re

import attrs

from actors.setting_rules import one_of, setting

ASSETS = ("btc", "eth", "sol", "xrp", "doge", "bnb", "hype", "zec")
"""Every underlying that the venue publishes a settling average of."""
LENGTHS = {5: "5m", 15: "15m", 240: "4h"}
"""Lengths of windows in minutes, and how the venue writes them."""

_SLUG = re.compile("([a-z]+)-updown-([0-9]+[mh])-[0-9]+")


@attrs.frozen(kw_only=True)
class SeriesSettings:
    """Which series of windows is traded."""

    asset: str = setting("btc", one_of(*ASSETS), "the underlying")
    window_minutes: int = setting(15, one_of(*LENGTHS), "length of a window")

    @property
    def name(self) -> str:
        """What people, roles and the command line call it, such as btc-15m."""
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

    def slug(self, start_ms: int) -> str:
        """The venue's name of the window that starts then."""
        return f"{self.asset}-updown-{LENGTHS[self.window_minutes]}-{start_ms // 1000}"


def series_named(name: str) -> SeriesSettings:
    """The series of a name, such as ``btc-15m``.

    Raises:
        ValueError: there is no such series; the sentence says which there are.
    """
    asset, _, label = name.partition("-")
    minutes = {written: each for each, written in LENGTHS.items()}.get(label)
    if asset not in ASSETS or minutes is None:
        raise ValueError(
            f"{name!r} is no series: an asset ({', '.join(ASSETS)}), a hyphen and a length "
            f"({', '.join(LENGTHS.values())}), such as btc-15m"
        )
    return SeriesSettings(asset=asset, window_minutes=minutes)


@functools.lru_cache(maxsize=1_024)
def series_of(slug: str) -> str:
    """Name of the series that a window is of, by its slug; empty if that tells no series."""
    found = _SLUG.fullmatch(slug)
    return f"{found[1]}-{found[2]}" if found else ""


def window_start_ms(now_ms: int, window_ms: int) -> int:
    """Start of the window that an instant lies in; a boundary belongs to the window it opens."""
    return now_ms - now_ms % window_ms


def slug_part(text: str) -> str:
    """What slugs of a series have in common, if a text is a series' name; else the text itself."""
    asset, _, label = text.partition("-")
    is_name = asset in ASSETS and label in LENGTHS.values()
    return f"{asset}-updown-{label}-" if is_name else text
