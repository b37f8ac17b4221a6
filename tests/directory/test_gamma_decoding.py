from __future__ import annotations

import json
from typing import Any

import pytest
from venue_double import START_MS, WINDOW_MS, iso, metadata, slug_of

from actors.directory.gamma import MarketRefused, Resolution, decode_market, decode_resolution
from actors.model import Market, Side
from actors.units import shares


def decoded(body: bytes) -> Market:
    return decode_market(body, slug_of(START_MS), START_MS, START_MS + WINDOW_MS)


def market(**changes: Any) -> Market:
    return decoded(json.dumps(metadata(**changes)).encode())


def test_a_market_row_gives_everything_that_trading_needs() -> None:
    assert market() == Market(
        market_id=f"0x{START_MS:x}",
        slug=slug_of(START_MS),
        yes_token=f"up-{START_MS}",
        no_token=f"down-{START_MS}",
        opens_at_ms=START_MS,
        closes_at_ms=START_MS + WINDOW_MS,
        tick_size_ticks=10,
        minimum_size_units=shares(5),
        minimum_notional_nanos=1_000_000_000,
        fee_rate_bps=700,
        twap_window_s=60,
    )


def test_an_hourly_window_without_the_published_average_is_refused_by_its_source() -> None:
    candle = metadata(cryptoMarketConfig=None, resolutionSource="https://www.binance.com/BTC_USDT")
    times = (slug_of(START_MS), START_MS, START_MS + WINDOW_MS)

    with pytest.raises(MarketRefused, match=r"settled by https://www\.binance\.com"):
        decode_market(json.dumps(candle).encode(), *times, must_average=True)
    averaged = decode_market(json.dumps(metadata()).encode(), *times, must_average=True)
    assert averaged.twap_window_s == 60


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"orderPriceMinTickSize": 0.001}, {"tick_size_ticks": 1}, id="fine grid"),
        pytest.param({"orderMinSize": 2.5}, {"minimum_size_units": 2_500_000}, id="half shares"),
        pytest.param({"feesEnabled": False}, {"fee_rate_bps": 0}, id="no fees"),
        pytest.param(
            {"feeSchedule": {"rate": 0.0315, "exponent": 1}}, {"fee_rate_bps": 315}, id="other rate"
        ),
        pytest.param(
            {"outcomes": ["Down", "Up"]},
            {"yes_token": f"down-{START_MS}", "no_token": f"up-{START_MS}"},
            id="Up stands second, in a real list",
        ),
        pytest.param(
            {"version": "v2", "positionIds": ["p-up", "p-down"]},
            {"yes_token": "p-up", "no_token": "p-down"},
            id="v2 goes by positionIds",
        ),
        pytest.param(
            {"version": "v1", "positionIds": ["p-up", "p-down"]},
            {"yes_token": f"up-{START_MS}"},
            id="v1 goes by clobTokenIds even if both are there",
        ),
        pytest.param({"version": None}, {"yes_token": f"up-{START_MS}"}, id="no version is v1"),
        pytest.param({"cryptoMarketConfig": None}, {"twap_window_s": 0}, id="no average named"),
        pytest.param(
            {"cryptoMarketConfig": {"twapEnabled": False, "twapLookbackSeconds": 60}},
            {"twap_window_s": 0},
            id="settles by no average",
        ),
    ],
)
def test_variants_of_the_metadata_are_understood(
    changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = market(**changes)
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"conditionId": None}, "conditionId"),
        ({"conditionId": 7}, "conditionId"),
        ({"conditionId": ""}, "conditionId"),
        ({"slug": "btc-updown-15m-1"}, "btc-updown-15m-1"),
        ({"outcomes": None}, "outcomes"),
        ({"outcomes": '["Up"]'}, "outcomes"),
        ({"outcomes": '["Rain", "Shine"]'}, "outcomes"),
        ({"outcomes": "Up, Down"}, "outcomes"),
        ({"clobTokenIds": None}, "clobTokenIds"),
        ({"clobTokenIds": "[]"}, "clobTokenIds"),
        ({"clobTokenIds": '["one"]'}, "clobTokenIds"),
        ({"clobTokenIds": '["same", "same"]'}, "clobTokenIds"),
        ({"clobTokenIds": '["", "down"]'}, "clobTokenIds"),
        ({"clobTokenIds": "[1, 2]"}, "clobTokenIds"),
        ({"version": "v2"}, "positionIds"),
        ({"version": "v3"}, "version"),
        ({"eventStartTime": None}, "eventStartTime"),
        ({"eventStartTime": "soon"}, "eventStartTime"),
        ({"eventStartTime": "2027-01-15T08:00:00"}, "eventStartTime"),
        ({"eventStartTime": iso(START_MS - 1)}, "eventStartTime"),
        ({"endDate": iso(START_MS)}, "endDate"),
        ({"orderPriceMinTickSize": 0.0001}, "orderPriceMinTickSize"),
        ({"orderPriceMinTickSize": 0}, "orderPriceMinTickSize"),
        ({"orderPriceMinTickSize": "NaN"}, "orderPriceMinTickSize"),
        ({"orderMinSize": -5}, "orderMinSize"),
        ({"orderMinSize": None}, "orderMinSize"),
        ({"feeSchedule": None}, "feeSchedule"),
        ({"feeSchedule": {"rate": 0.07, "exponent": 2}}, "exponent"),
        ({"feeSchedule": {"rate": 0.07, "exponent": 1, "takerOnly": False}}, "makers"),
        ({"feeSchedule": {"rate": 0.00005, "exponent": 1}}, "rate"),
        ({"feeSchedule": {"rate": "NaN", "exponent": 1}}, "rate"),
        ({"feeSchedule": {"rate": -0.07, "exponent": 1}}, "rate"),
        ({"orderMinSize": "1e999999999"}, "orderMinSize is 1E+999999999, which is not plausible"),
        ({"orderMinSize": 10**40}, "orderMinSize"),
        ({"orderPriceMinTickSize": "1e-999999"}, "orderPriceMinTickSize"),
        ({"feeSchedule": {"rate": "1e999999", "exponent": 1}}, "rate is 1E+999999"),
        ({"feeSchedule": {"rate": 0.07, "exponent": "sNaN"}}, "exponent is sNaN"),
        ({"enableOrderBook": False}, "enableOrderBook"),
        ({"active": False}, "active"),
        ({"acceptingOrders": False}, "acceptingOrders"),
        ({"closed": True}, "closed"),
        ({"negRisk": True}, "negRisk"),
        ({"orderPriceMinTickSize": 0.0025}, "orderPriceMinTickSize"),
        ({"orderPriceMinTickSize": 0.002}, "orderPriceMinTickSize"),
        ({"feeSchedule": {"rate": 0, "exponent": 1}}, "rate of 0"),
        ({"feeSchedule": {"rate": 0.07}}, "exponent"),
        ({"cryptoMarketConfig": {"twapLookbackSeconds": "sixty"}}, "twapLookbackSeconds"),
    ],
)
def test_a_market_that_cannot_be_traded_is_refused_in_one_sentence(
    changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(MarketRefused) as refused:
        market(**changes)
    sentence = str(refused.value)
    assert named in sentence
    assert len(sentence) < 300
    assert slug_of(START_MS) in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "body", [b"", b"<html>503</html>", b"[]", b'{"slug":', b'{"slug":"\xff"}', b"null"]
)
def test_an_answer_that_is_no_market_is_refused_in_one_sentence(body: bytes) -> None:
    with pytest.raises(MarketRefused, match=slug_of(START_MS)):
        decoded(body)
    with pytest.raises(MarketRefused, match=slug_of(START_MS)):
        decode_resolution(body, market())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"outcomePrices": '["1", "0"]'}, Resolution(winner=Side.YES, outcome_prices=("1", "0"))),
        ({"outcomePrices": ["0", "1"]}, Resolution(winner=Side.NO, outcome_prices=("0", "1"))),
        (
            {"outcomePrices": '["0.5", "0.5"]', "umaResolutionStatus": "resolved"},
            Resolution(winner=None, outcome_prices=("0.5", "0.5")),
        ),
        (
            {"outcomes": '["Down", "Up"]', "outcomePrices": '["1", "0"]'},
            Resolution(winner=Side.NO, outcome_prices=("0", "1")),
        ),
        ({"closed": False, "outcomePrices": '["1", "0"]'}, None),
        ({"outcomePrices": '["0.5", "0.5"]'}, None),
        ({"outcomePrices": '["1", "0"]', "automaticallyResolved": False}, None),
        ({"outcomePrices": '["1", "0"]', "umaResolutionStatus": "proposed"}, None),
        ({"closed": None, "outcomePrices": '["1", "0"]'}, None),
        ({"outcomePrices": '["0.9995", "0.0005"]'}, None),
        ({"outcomePrices": '["0.99", "0.01"]'}, None),
        ({"outcomePrices": None}, None),
    ],
)
def test_only_exact_prices_of_a_closed_market_are_a_result(
    changes: dict[str, Any], expected: Resolution | None
) -> None:
    body = json.dumps(metadata(**{"closed": True, **changes})).encode()
    assert decode_resolution(body, market()) == expected


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"conditionId": "0xother"}, "0xother"),
        ({"outcomePrices": '["1"]'}, "outcomePrices"),
        ({"outcomePrices": "1,0"}, "outcomePrices"),
    ],
)
def test_a_result_that_cannot_be_read_is_refused_in_one_sentence(
    changes: dict[str, Any], named: str
) -> None:
    body = json.dumps(metadata(**{"closed": True, **changes})).encode()
    with pytest.raises(MarketRefused, match=named):
        decode_resolution(body, market())


def test_a_body_that_nests_without_end_is_refused() -> None:
    body = json.dumps(metadata()).encode()[:-1] + b',"more":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    with pytest.raises(MarketRefused, match="unreadable"):
        decoded(body)
