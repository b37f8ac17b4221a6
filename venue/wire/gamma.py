"""Rows of a market as Gamma and the CLOB report them, in the venue's shapes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs

from actors.units import E18, PAYOUT_TICKS, TICKS_PER_DOLLAR
from venue.windows import TWAP_SECONDS, Window, length_label
from venue.wire.text import PRICE_TEXTS, best_or_end, iso_text, json_text, postgres_text

FEE_RATE = 0.07
"""Taker fee rate of these markets."""
LISTED_AHEAD_MS = 24 * 3_600_000
"""The venue lists these markets a day ahead."""


@attrs.frozen(kw_only=True)
class AnnouncedResult:
    """A result announced although the market is undecided, or decided otherwise."""

    up_ticks: int
    """The announced payout of Up."""
    uma_status: str
    """``proposed``, ``disputed`` or ``resolved``."""


@attrs.frozen(kw_only=True)
class MarketStatus:
    """The state of a window's market at one instant."""

    window: Window
    is_active: bool = True
    accepts_orders: bool = True
    is_negative_risk: bool = False
    is_closed_early: bool = False
    """Whether it is shown as closed although it trades."""
    has_sure_fees: bool = True
    """Whether the fee schedule shows the rate that is charged; else it says 0."""
    knows_fee_rate: bool = True
    """Whether ``GET /fee-rate`` answers."""
    grid_text: str = ""
    """A price grid finer than ticks; empty for that of ``tick_size_ticks``."""
    announced_result: AnnouncedResult | None = None
    tick_size_ticks: int = 10
    best_bid_ticks: int | None = None
    best_ask_ticks: int | None = None
    last_trade_ticks: int | None = None
    volume_shares: int = 0
    strike_e18: int | None = None
    close_e18: int | None = None
    up_won: bool | None = None
    """The winner, once it is announced."""
    resolved_at_ms: int | None = None
    resolution_source: str = ""

    @property
    def is_closed(self) -> bool:
        """Whether the winner is announced."""
        return self.up_won is not None

    @property
    def is_shown_closed(self) -> bool:
        """Whether the public sees it as closed."""
        return self.is_closed or self.is_closed_early or self.announced_result is not None

    @property
    def uma_status(self) -> str:
        """State of its resolution, in the venue's words."""
        if self.announced_result is not None:
            return self.announced_result.uma_status
        return "resolved" if self.is_closed else ""

    @property
    def grid(self) -> float:
        """The price grid in dollars."""
        return float(self.grid_text) if self.grid_text else self.tick_size_ticks / TICKS_PER_DOLLAR

    @property
    def is_accepting(self) -> bool:
        """Whether the public sees it as accepting orders."""
        return self.accepts_orders and not self.is_shown_closed


def question_text(window: Window) -> str:
    """Title a window, such as "BTC Up or Down - July 24, 12:00-12:05 UTC"."""
    opens = datetime.fromtimestamp(window.opens_at_ms / 1000, UTC)
    closes = datetime.fromtimestamp(window.closes_at_ms / 1000, UTC)
    day = f"{opens:%B} {opens.day}"
    return f"{window.asset.upper()} Up or Down - {day}, {opens:%H:%M}-{closes:%H:%M} UTC"


def market_row(status: MarketStatus) -> dict[str, Any]:
    """Describe a market as ``GET /markets/slug/{slug}`` does; lists in it are JSON texts."""
    window = status.window
    row: dict[str, Any] = {
        "id": window.number,
        "question": question_text(window),
        "conditionId": window.condition_id,
        "questionID": window.question_id,
        "slug": window.slug,
        "resolutionSource": status.resolution_source,
        "startDate": iso_text(window.opens_at_ms - LISTED_AHEAD_MS),
        "eventStartTime": iso_text(window.opens_at_ms),
        "endDate": iso_text(window.closes_at_ms),
        "outcomes": json_text(["Up", "Down"]),
        "outcomePrices": json_text(_outcome_prices(status)),
        "clobTokenIds": json_text(list(window.tokens)),
        "volume": str(status.volume_shares),
        "volumeNum": status.volume_shares,
        "umaResolutionStatus": status.uma_status,
        "automaticallyResolved": status.uma_status == "resolved",
        "version": "v1",
        "cryptoMarketConfig": {
            "id": f"{window.asset}-{length_label(window.minutes)}",
            "asset": window.asset,
            "duration": length_label(window.minutes),
            "twapEnabled": True,
            "twapLookbackSeconds": TWAP_SECONDS,
        },
    }
    row |= _trading_fields(status)
    if status.resolved_at_ms is not None:
        row["closedTime"] = postgres_text(status.resolved_at_ms)
    return row


def event_row(status: MarketStatus) -> dict[str, Any]:
    """Describe the event around a market: the same slug, with the market inside."""
    window = status.window
    row: dict[str, Any] = {
        "id": window.number,
        "ticker": window.slug,
        "slug": window.slug,
        "title": question_text(window),
        "resolutionSource": status.resolution_source,
        "startDate": iso_text(window.opens_at_ms - LISTED_AHEAD_MS),
        "startTime": iso_text(window.opens_at_ms),
        "endDate": iso_text(window.closes_at_ms),
        "active": status.is_active,
        "closed": status.is_shown_closed,
        "negRisk": status.is_negative_risk,
        "seriesSlug": f"{window.asset}-up-or-down-{length_label(window.minutes)}",
        "markets": [market_row(status)],
    }
    metadata = _event_metadata(status)
    if metadata:
        row["eventMetadata"] = metadata
    return row


def _trading_fields(status: MarketStatus) -> dict[str, Any]:
    bid_ticks, ask_ticks = best_or_end(status.best_bid_ticks, status.best_ask_ticks)
    return {
        "active": status.is_active,
        "closed": status.is_shown_closed,
        "archived": False,
        "restricted": True,
        "acceptingOrders": status.is_accepting,
        "enableOrderBook": True,
        "negRisk": status.is_negative_risk,
        "orderPriceMinTickSize": status.grid,
        "orderMinSize": 5,
        "bestBid": bid_ticks / TICKS_PER_DOLLAR,
        "bestAsk": ask_ticks / TICKS_PER_DOLLAR,
        "lastTradePrice": (status.last_trade_ticks or 0) / TICKS_PER_DOLLAR,
        "feesEnabled": True,
        "feeType": "crypto_fees_v2",
        "feeSchedule": {
            "rate": published_fee_rate(status),
            "exponent": 1,
            "takerOnly": True,
            "rebateRate": 0.2,
        },
        "makerBaseFee": 1000,
        "takerBaseFee": 1000,
        "rewardsMinSize": 50,
        "rewardsMaxSpread": 4.5,
    }


def published_fee_rate(status: MarketStatus) -> float:
    """The fee rate that metadata shows."""
    return FEE_RATE if status.has_sure_fees else 0.0


def _outcome_prices(status: MarketStatus) -> list[str]:
    if status.announced_result is not None:
        up_ticks = status.announced_result.up_ticks
        return [PRICE_TEXTS[up_ticks], PRICE_TEXTS[PAYOUT_TICKS - up_ticks]]
    if status.up_won is not None:
        return ["1", "0"] if status.up_won else ["0", "1"]
    mid_ticks = sum(best_or_end(status.best_bid_ticks, status.best_ask_ticks)) // 2
    return [PRICE_TEXTS[mid_ticks], PRICE_TEXTS[PAYOUT_TICKS - mid_ticks]]


def _event_metadata(status: MarketStatus) -> dict[str, float]:
    """Add strike and close as the venue does: late, as history and not as a feed."""
    if not status.is_closed or status.strike_e18 is None or status.close_e18 is None:
        return {}
    return {"priceToBeat": status.strike_e18 / E18, "finalPrice": status.close_e18 / E18}


def clob_market(status: MarketStatus) -> dict[str, Any]:
    """Describe a market as ``GET /clob-markets/{condition}``; ``nr`` is omitted when false."""
    window = status.window
    return {
        "c": window.condition_id,
        "t": [{"t": window.up_token, "o": "Up"}, {"t": window.down_token, "o": "Down"}],
        "mts": status.grid,
        "mos": 5,
        "mbf": 1000,
        "tbf": 1000,
        "fd": {"r": published_fee_rate(status), "e": 1, "to": True},
        "ao": status.is_accepting,
        "itode": True,
        "rfqe": False,
        **({"nr": True} if status.is_negative_risk else {}),
    }
