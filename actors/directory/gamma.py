"""Decoder of the venue's market metadata (Gamma, ``GET /markets/slug/{slug}``); pure.

Only the fields that trading or settling needs are read, and each is checked: a market that lacks
one of them, or that this system does not trade, is refused with one sentence that names the field.

The venue writes some lists as JSON strings inside the JSON; real lists are accepted as well. Field
meanings: Polymarket's Gamma API, as of 2026-11.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, TypeVar

import attrs
import msgspec

from actors.feeds.decoding import UNREADABLE
from actors.model import Market, Side
from actors.units import (
    NANOS_PER_DOLLAR,
    TICKS_PER_DOLLAR,
    NotExact,
    price_text,
    ticks_from_text,
    units_from_text,
)

MINIMUM_NOTIONAL_NANOS = NANOS_PER_DOLLAR
"""The venue accepts no marketable order below one dollar; the metadata does not say so."""

GRIDS_TICKS = (100, 10, 5, 1)
"""Price grids that are traded: those for which the venue's client can sign ($0.1, 0.01, 0.005,
0.0025, 0.001 and 0.0001) and that are a whole number of our ticks."""

_UP_LABELS = ("up", "yes")
_DOWN_LABELS = ("down", "no")
_BPS = 10_000
_RESOLVED = "resolved"
_LEAST_PLACE, _HIGHEST_PLACE = -30, 15

_Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_Texts = str | list[str]
_Wire = TypeVar("_Wire", bound=msgspec.Struct)


class MarketRefused(ValueError):
    """The metadata cannot be used; the sentence says which field and why."""


class FeeUncertain(MarketRefused):
    """Only the fee is unknown: the exchange must be asked for the rate of this token."""

    def __init__(self, sentence: str, token: str) -> None:
        super().__init__(sentence)
        self.token = token


@attrs.frozen(kw_only=True)
class Resolution:
    """The venue's final result of a window."""

    winner: Side | None
    """None if it is void."""
    outcome_prices: tuple[str, str]
    """As the venue wrote them, Up first."""


class _FeeSchedule(msgspec.Struct):
    rate: Decimal | None = None
    exponent: Decimal | None = None
    taker_only: bool = msgspec.field(name="takerOnly", default=True)


class _FeeRate(msgspec.Struct):
    base_fee: Decimal | None = None


class _CryptoConfig(msgspec.Struct, rename="camel"):
    twap_enabled: bool = False
    twap_lookback_seconds: int = 0


class _GammaMarket(msgspec.Struct, rename="camel"):
    condition_id: str
    slug: str
    outcomes: _Texts
    event_start_time: _Instant
    end_date: _Instant
    order_price_min_tick_size: Decimal
    order_min_size: Decimal
    version: str | None = None
    clob_token_ids: _Texts | None = None
    position_ids: _Texts | None = None
    fees_enabled: bool | None = None
    fee_schedule: _FeeSchedule | None = None
    taker_base_fee: Decimal | None = None
    crypto_market_config: _CryptoConfig | None = None
    active: bool | None = None
    closed: bool | None = None
    accepting_orders: bool | None = None
    enable_order_book: bool | None = None
    neg_risk: bool | None = None
    resolution_source: str | None = None


class _GammaResult(msgspec.Struct, rename="camel"):
    condition_id: str
    outcomes: _Texts
    closed: bool | None = None
    outcome_prices: _Texts | None = None
    uma_resolution_status: str | None = None
    automatically_resolved: bool | None = None


def decode_market(
    body: bytes,
    slug: str,
    opens_at_ms: int,
    closes_at_ms: int,
    exchange_fee: Decimal | None = None,
    *,
    must_average: bool = False,
) -> Market:
    """Read a window's market, which must be the requested one.

    Args:
        body: the response.
        slug: the requested slug.
        opens_at_ms: the window's start according to its slug.
        closes_at_ms: the window's end according to its slug.
        exchange_fee: ``base_fee`` of the exchange's ``/fee-rate``, if it was asked.
        must_average: refuse the market unless it says that it is settled by the published average.

    Raises:
        FeeUncertain: all is valid except the fee, for which the exchange must be asked first.
        MarketRefused: something is missing, unreadable, or not what this system trades.
    """
    wire = decoded(body, _GammaMarket, slug)
    if wire.slug != slug:
        raise MarketRefused(f"{slug}: the venue answered with {wire.slug}")
    if not wire.condition_id:
        raise MarketRefused(f"{slug}: conditionId is empty")
    _check_state(slug, wire)
    _check_instant(slug, "eventStartTime", wire.event_start_time, opens_at_ms)
    _check_instant(slug, "endDate", wire.end_date, closes_at_ms)
    up, down = _up_and_down(slug, wire.outcomes)
    tokens = _tokens(slug, wire)
    return Market(
        market_id=wire.condition_id,
        slug=slug,
        yes_token=tokens[up],
        no_token=tokens[down],
        opens_at_ms=opens_at_ms,
        closes_at_ms=closes_at_ms,
        tick_size_ticks=_tick_size_ticks(slug, wire.order_price_min_tick_size),
        minimum_size_units=_minimum_size_units(slug, wire.order_min_size),
        minimum_notional_nanos=MINIMUM_NOTIONAL_NANOS,
        fee_rate_bps=_fee_rate_bps(slug, wire, tokens[up], exchange_fee),
        twap_window_s=_twap_window_s(slug, wire, must_average=must_average),
    )


def decode_resolution(body: bytes, market: Market) -> Resolution | None:
    """Read how a window ended; None while the venue has not decided.

    Until it is decided, a closed market shows its last traded prices or 0.5/0.5, and a proposed or
    disputed result already looks like a final one. So only exact 1/0, 0/1 and 0.5/0.5 of a market
    that is marked as resolved count as a result. Without any such mark, a winner counts and a void
    does not.

    Raises:
        MarketRefused: the answer is unreadable or about another market.
    """
    slug = market.slug
    wire = decoded(body, _GammaResult, slug)
    if wire.condition_id != market.market_id:
        raise MarketRefused(f"{slug}: the venue answered with market {wire.condition_id}")
    if not wire.closed or wire.outcome_prices is None or _is_undecided(wire):
        return None
    up, down = _up_and_down(slug, wire.outcomes)
    prices = _texts(slug, "outcomePrices", wire.outcome_prices)
    if len(prices) != 2:
        raise MarketRefused(f"{slug}: outcomePrices has {len(prices)} prices instead of 2")
    shown = (prices[up], prices[down])
    winners = {(1000, 0): Side.YES, (0, 1000): Side.NO, (500, 500): None}
    try:
        in_ticks = (ticks_from_text(shown[0]), ticks_from_text(shown[1]))
    except NotExact:
        return None
    if in_ticks not in winners:
        return None
    if winners[in_ticks] is None and not wire.uma_resolution_status:
        return None
    return Resolution(winner=winners[in_ticks], outcome_prices=shown)


def decode_fee_rate(body: bytes) -> Decimal:
    """Read ``GET {clob}/fee-rate?token_id=``, in ten-thousandths: 700 for 7 %.

    Raises:
        MarketRefused: it has no rate.
    """
    rate = decoded(body, _FeeRate, "the exchange's fee-rate").base_fee
    if rate is None:
        raise MarketRefused("the exchange's fee-rate has no base_fee")
    return rate


def _is_undecided(wire: _GammaResult) -> bool:
    if wire.uma_resolution_status:
        return wire.uma_resolution_status.lower() != _RESOLVED
    return wire.automatically_resolved is False


def decoded(
    body: bytes, wire_type: type[_Wire], slug: str, what: str = "the venue's metadata"
) -> _Wire:
    """Decode an answer of the venue, refusing absurd numbers.

    JSON allows ``1e999999999``, which is a valid Decimal; but multiplying it overflows, and
    converting even smaller ones to integers exhausts the memory. NaN and infinity may come as
    strings.

    Raises:
        MarketRefused: it is unreadable.
    """
    try:
        wire = msgspec.json.decode(body, type=wire_type)
        _check_numbers(wire)
    except (*UNREADABLE, _NoSuchNumber) as error:
        raise MarketRefused(f"{slug}: {what} is unreadable: {error}") from None
    return wire


class _NoSuchNumber(ValueError):
    """A field holds an absurd number; the sentence names the field."""


def _check_numbers(wire: msgspec.Struct) -> None:
    """Check every decimal of what was decoded.

    Raises:
        _NoSuchNumber: one is neither 0 nor has an absolute value from 10**-30 to below 10**16.
    """
    names = zip(wire.__struct_fields__, wire.__struct_encode_fields__, strict=True)
    for field_name, name in names:
        value = getattr(wire, field_name)
        if isinstance(value, msgspec.Struct):
            _check_numbers(value)
        elif isinstance(value, Decimal) and not _is_in_proportion(value):
            raise _NoSuchNumber(f"{name} is {value!s:.40}, which is not plausible")


def _is_in_proportion(value: Decimal) -> bool:
    if not value.is_finite():
        return False
    return value.is_zero() or _LEAST_PLACE <= value.adjusted() <= _HIGHEST_PLACE


def _texts(slug: str, name: str, value: _Texts) -> list[str]:
    if isinstance(value, list):
        return value
    try:
        return msgspec.json.decode(value, type=list[str])
    except UNREADABLE as error:
        raise MarketRefused(f"{slug}: {name} is not a list of strings: {error}") from None


def _up_and_down(slug: str, outcomes: _Texts) -> tuple[int, int]:
    """Return the positions of Up and Down in the venue's lists."""
    labels = [label.lower() for label in _texts(slug, "outcomes", outcomes)]
    if len(labels) == 2:
        for up, down in ((0, 1), (1, 0)):
            if labels[up] in _UP_LABELS and labels[down] in _DOWN_LABELS:
                return up, down
    raise MarketRefused(f"{slug}: outcomes are {labels}, not Up and Down")


def _tokens(slug: str, wire: _GammaMarket) -> list[str]:
    """Return the token ids of books and orders; their field depends on the market's version."""
    named = {
        "v1": ("clobTokenIds", wire.clob_token_ids),
        "v2": ("positionIds", wire.position_ids),
    }
    version = wire.version or "v1"
    if version not in named:
        raise MarketRefused(f"{slug}: version {version!r} is unknown, only v1 and v2 are supported")
    name, value = named[version]
    tokens = _texts(slug, name, value) if value else []
    if len(tokens) != 2 or not all(tokens) or tokens[0] == tokens[1]:
        raise MarketRefused(f"{slug}: {name} does not have two tokens yet")
    return tokens


def _check_state(slug: str, wire: _GammaMarket) -> None:
    """Refuse a market that accepts no orders, or whose orders are signed for another contract."""
    states = (
        ("closed", wire.closed, True),
        ("active", wire.active, False),
        ("enableOrderBook", wire.enable_order_book, False),
        ("acceptingOrders", wire.accepting_orders, False),
        ("negRisk", wire.neg_risk, True),
    )
    for name, value, refused in states:
        if value is refused:
            raise MarketRefused(f"{slug}: {name} is {str(value).lower()}, so it is not traded")


def _check_instant(slug: str, name: str, instant: datetime, expected_ms: int) -> None:
    if round(instant.timestamp() * 1000) != expected_ms:
        raise MarketRefused(
            f"{slug}: {name} is {instant.isoformat()}, which is not what its slug says"
        )


def _tick_size_ticks(slug: str, size: Decimal) -> int:
    # A grid finer than our tick of $0.001 has prices that cannot be represented exactly.
    for ticks in GRIDS_TICKS:
        if size * TICKS_PER_DOLLAR == ticks:
            return ticks
    traded = ", ".join(price_text(ticks) for ticks in GRIDS_TICKS)
    raise MarketRefused(
        f"{slug}: orderPriceMinTickSize is {size}, and only grids of {traded} are traded"
    )


def _minimum_size_units(slug: str, size: Decimal) -> int:
    try:
        units = units_from_text(str(size))
    except NotExact:
        units = -1
    if units < 0:
        raise MarketRefused(f"{slug}: orderMinSize {size} is not a number of shares")
    return units


def _fee_rate_bps(slug: str, wire: _GammaMarket, token: str, exchange_fee: Decimal | None) -> int:
    if wire.fees_enabled is False:
        return 0
    schedule = wire.fee_schedule or _FeeSchedule()
    if schedule.exponent != 1 and (schedule.rate or schedule.exponent is not None):
        raise MarketRefused(f"{slug}: feeSchedule exponent {schedule.exponent} is not 1")
    if not schedule.taker_only:
        raise MarketRefused(f"{slug}: feeSchedule charges makers, which is not supported")
    if schedule.rate:
        return _whole_bps(slug, "feeSchedule rate", schedule.rate, schedule.rate * _BPS)
    doubt = f"feeSchedule has {'no rate' if schedule.rate is None else 'a rate of 0'}"
    doubt = f"{slug}: {doubt} although feesEnabled is not false"
    if exchange_fee is None:
        raise FeeUncertain(f"{doubt}: its fee is unknown", token)
    if not exchange_fee or exchange_fee == wire.taker_base_fee:
        # 0 is the value in doubt, and takerBaseFee is an old field by which nobody is charged.
        raise FeeUncertain(f"{doubt}, and the exchange's fee-rate says {exchange_fee}", token)
    return _whole_bps(slug, "the exchange's fee-rate", exchange_fee, exchange_fee)


def _whole_bps(slug: str, name: str, told: Decimal, bps: Decimal) -> int:
    if not bps.is_finite() or not 0 < bps <= _BPS or bps != int(bps):
        raise MarketRefused(f"{slug}: {name} {told} is not a whole number of ten-thousandths")
    return int(bps)


def _twap_window_s(slug: str, wire: _GammaMarket, *, must_average: bool) -> int:
    """Return the length of the settling average in seconds; 0, which no tick has, if not stated."""
    config = wire.crypto_market_config
    window_s = config.twap_lookback_seconds if config is not None and config.twap_enabled else 0
    if must_average and not window_s:
        source = wire.resolution_source or "an unnamed source"
        raise MarketRefused(
            f"{slug}: it is settled by {source[:200]} and not by the average that the venue "
            "publishes, so neither its strike nor its result could be proven"
        )
    return window_s
