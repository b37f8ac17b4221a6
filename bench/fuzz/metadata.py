"""Gamma's bodies, as the directory sees them."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from actors.core import Command, Send
from actors.directory.core import DirectoryCore
from actors.directory.gamma import (
    MarketRefused,
    decode_fee_rate,
    decode_market,
    decode_resolution,
)
from actors.directory.price_to_beat import decode_event, decode_website, differs, strike_of
from actors.messages.directory import HttpAnswered, HttpGet, MarketOpened
from actors.messages.lifecycle import Started, TimerFired
from actors.model import Market, StrikeOrigin
from actors.roles import DIRECTORY
from actors.settings import Settings
from actors.units import PAYOUT_TICKS
from bench.fuzz.mutations import mutated
from bench.fuzz.target import Target, hold

OPENS_MS, WINDOW_MS = 1_776_331_800_000, 900_000
SLUG = f"btc-updown-15m-{OPENS_MS // 1_000}"
ROW: dict[str, Any] = {
    "id": "1",
    "conditionId": "0x" + "ab" * 32,
    "slug": SLUG,
    "outcomes": '["Up", "Down"]',
    "outcomePrices": '["0.505", "0.495"]',
    "clobTokenIds": '["' + "7" * 77 + '", "' + "8" * 76 + '"]',
    "positionIds": None,
    "version": "v1",
    "eventStartTime": "2026-04-16T09:30:00Z",
    "endDate": "2026-04-16T09:45:00Z",
    "active": True,
    "closed": False,
    "acceptingOrders": True,
    "enableOrderBook": True,
    "negRisk": False,
    "orderPriceMinTickSize": 0.01,
    "orderMinSize": 5,
    "feesEnabled": True,
    "feeType": "crypto_fees_v2",
    "feeSchedule": {"rate": 0.07, "exponent": 1, "takerOnly": True, "rebateRate": 0.2},
    "takerBaseFee": 1000,
    "umaResolutionStatus": None,
    "cryptoMarketConfig": {"twapEnabled": True, "twapLookbackSeconds": 60},
    "events": [{"eventMetadata": {"priceToBeat": 68900.457815, "finalPrice": None}}],
}
CLOSED = {
    **ROW,
    "closed": True,
    "acceptingOrders": False,
    "outcomePrices": '["1", "0"]',
    "umaResolutionStatus": "resolved",
}
MARKET = Market(
    market_id=ROW["conditionId"],
    slug=SLUG,
    yes_token="7" * 77,
    no_token="8" * 76,
    opens_at_ms=OPENS_MS,
    closes_at_ms=OPENS_MS + WINDOW_MS,
    tick_size_ticks=10,
    minimum_size_units=5_000_000,
    minimum_notional_nanos=1_000_000_000,
    fee_rate_bps=700,
    twap_window_s=60,
)


def gamma_bodies(chance: random.Random) -> str:
    """A market that can be traded, or one sentence."""
    try:
        chance.choice(_READERS)(chance)
    except MarketRefused as refused:
        sentence = str(refused)
        hold("\n" not in sentence and len(sentence) < 12_000, f"no sentence: {sentence:.200}")
        return "refused"
    return "read"


def _read_market(chance: random.Random) -> None:
    _hold_market(decode_market(mutated(ROW, chance), SLUG, OPENS_MS, OPENS_MS + WINDOW_MS))


def _read_resolution(chance: random.Random) -> None:
    decode_resolution(mutated(CLOSED, chance), MARKET)


def _read_price(chance: random.Random) -> None:
    event = {"slug": SLUG, "eventMetadata": {"priceToBeat": 68900.457815, "finalPrice": 68901.5}}
    told = [
        decode_event(mutated(event, chance), SLUG),
        decode_website(mutated({"openPrice": 68900.45, "closePrice": None}, chance), SLUG),
    ]
    for price in (each.strike for each in told):
        if price is not None:
            strike_e18 = strike_of(price, StrikeOrigin.GAMMA, MARKET).price_e18
            hold(0 <= strike_e18 < 10**36, f"a strike of {strike_e18}")
            hold(not differs(strike_e18, price), "a price that differs from itself")


def _read_fee(chance: random.Random) -> None:
    rate = decode_fee_rate(mutated({"base_fee": 700}, chance))
    row = {**ROW, "feeSchedule": {"rate": 0, "exponent": 1}}
    body = _plain(row)
    market = decode_market(body, SLUG, OPENS_MS, OPENS_MS + WINDOW_MS, exchange_fee=rate)
    hold(0 < market.fee_rate_bps <= 10_000, f"a fee rate of {market.fee_rate_bps}")


_READERS = (_read_market, _read_market, _read_resolution, _read_price, _read_fee)


def _hold_market(market: Market) -> None:
    hold(0 < market.tick_size_ticks < PAYOUT_TICKS, f"a grid of {market.tick_size_ticks}")
    hold(0 <= market.minimum_size_units < 10**22, f"a least size of {market.minimum_size_units}")
    hold(0 <= market.fee_rate_bps <= 10_000, f"a fee rate of {market.fee_rate_bps}")
    hold(market.yes_token != market.no_token, "one token for two outcomes")
    hold(bool(market.market_id and market.yes_token and market.no_token), "a market without ids")


def directory(chance: random.Random) -> str:
    """The directory never raises, and opens nothing that cannot be traded."""
    now_ms = OPENS_MS + 1_000
    core = DirectoryCore(DIRECTORY, Settings(), random.Random(1))
    asked = list(core.handle(Started(), now_ms))
    word = "nothing"
    for _ in range(8):
        answers: list[Any] = []
        for effect in asked:
            if isinstance(effect, Command) and isinstance(effect.command, HttpGet):
                answers.append(_answer(effect.command, chance, now_ms))
            if isinstance(effect, Send) and isinstance(effect.message, MarketOpened):
                _hold_market(effect.message.market)
                word = "opened"
        if not answers:
            answers = [TimerFired("find/0"), TimerFired("roll"), TimerFired("time")]
        asked = [effect for each in answers for effect in core.handle(each, now_ms)]
        now_ms += 200
    return word


def _answer(request: HttpGet, chance: random.Random, now_ms: int) -> HttpAnswered:
    status = chance.choice((200, 200, 200, 200, 404, 429, 500, 204, 302))
    if request.url.endswith("/time"):
        good: Any = now_ms // 1_000
    else:
        good = chance.choice((ROW, CLOSED))
    is_bad = chance.random() < 0.6
    body = mutated(good, chance) if is_bad else _plain(good)
    return HttpAnswered(request.request_id, status, body)


def _plain(value: Any) -> bytes:
    return msgspec.json.encode(value)


TARGETS = (Target("Gamma bodies", gamma_bodies, 3), Target("directory", directory, 1))
