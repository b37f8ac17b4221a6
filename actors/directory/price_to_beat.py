"""The venue's own published price to beat and final price, besides its price stream.

Two places publish them. Gamma's event (``GET /events/slug/{slug}``) has ``eventMetadata`` with
``priceToBeat`` and ``finalPrice``, both late. The website's own endpoint (``GET
/api/crypto/crypto-price``) has ``openPrice`` some seconds after the start; it is undocumented and
cached, may be null, and was seen to be corrected later. Without its two parameters about the
average it answers with a spot price, which is not the strike.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import attrs
import msgspec

from actors.directory.gamma import MarketRefused, decoded
from actors.model import Market, Strike, StrikeOrigin
from actors.series import SeriesSettings
from actors.units import E18

_PRICES_BELOW = 10**9
"""Dollars; as in ``plausible_price_e18``."""
WEBSITE_VARIANTS = {5: "fiveminute", 15: "fifteen"}
"""The website's names for window lengths, by minutes. The venue documents none. Many public
programs of 2026 use these, which was never tried from here; they say that with any other name the
website silently answers with another source's price."""

_RELATIVE_NOISE = 10**9
"""Prices that differ relatively by less than one part in this are the same number in binary."""


class _EventMetadata(msgspec.Struct, rename="camel"):
    price_to_beat: Decimal | None = None
    final_price: Decimal | None = None


class _Event(msgspec.Struct, rename="camel"):
    slug: str
    event_metadata: _EventMetadata | None = None


class _WebsitePrice(msgspec.Struct, rename="camel"):
    open_price: Decimal | None = None


@attrs.frozen(kw_only=True)
class ToldPrices:
    """Prices of one window as the venue publishes them; None if not known yet."""

    strike: Decimal | None
    close: Decimal | None = None


def decode_event(body: bytes, slug: str) -> ToldPrices:
    """Read Gamma's event of a window.

    Raises:
        MarketRefused: the answer is unreadable or about another event.
    """
    event = decoded(body, _Event, slug, "the venue's event")
    if event.slug != slug:
        raise MarketRefused(f"{slug}: the venue answered with the event {event.slug}")
    metadata = event.event_metadata or _EventMetadata()
    return ToldPrices(
        strike=_price(slug, "priceToBeat", metadata.price_to_beat),
        close=_price(slug, "finalPrice", metadata.final_price),
    )


def decode_website(body: bytes, slug: str) -> ToldPrices:
    """Read the website's price of a window.

    Raises:
        MarketRefused: the answer is unreadable.
    """
    told = decoded(body, _WebsitePrice, slug, "the website's price")
    return ToldPrices(strike=_price(slug, "openPrice", told.open_price))


def website_query(series: SeriesSettings, market: Market) -> str | None:
    """Return path and query of the website's price of a window that is settled by an average.

    None if the website's name for such windows is unknown.
    """
    variant = WEBSITE_VARIANTS.get(series.window_minutes)
    if variant is None:
        return None
    return (
        f"/api/crypto/crypto-price?symbol={series.asset.upper()}"
        f"&eventStartTime={_iso(market.opens_at_ms)}"
        f"&variant={variant}"
        f"&endDate={_iso(market.closes_at_ms)}"
        f"&twapEnabled=true&twapLookbackSeconds={market.twap_window_s}"
    )


def strike_of(price: Decimal, origin: StrikeOrigin, market: Market) -> Strike:
    """Make a strike from a price that the venue published."""
    names = {
        StrikeOrigin.GAMMA: "priceToBeat of the venue's metadata",
        StrikeOrigin.WEBSITE: "openPrice of the venue's website",
    }
    return Strike(
        price_e18=int(price * E18),
        source=names[origin],
        timestamp_ms=market.opens_at_ms,
        origin=origin,
    )


def differs(ours_e18: int, told: Decimal) -> bool:
    """Return whether our price differs from the venue's, which may have fewer decimals."""
    exponent = told.as_tuple().exponent
    last_place_e18 = int(Decimal(1).scaleb(exponent) * E18) if isinstance(exponent, int) else 0
    tolerance_e18 = max(last_place_e18, ours_e18 // _RELATIVE_NOISE)
    return abs(int(told * E18) - ours_e18) > tolerance_e18


def _price(slug: str, name: str, price: Decimal | None) -> Decimal | None:
    if price is None:
        return None
    if not price.is_finite() or not 0 < price < _PRICES_BELOW:
        raise MarketRefused(f"{slug}: {name} is {price}, which is not a price")
    return price


def _iso(instant_ms: int) -> str:
    instant = datetime.fromtimestamp(instant_ms / 1000, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
