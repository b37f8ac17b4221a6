import json

import pytest
from feed_builders import frame
from hypothesis import given
from hypothesis import strategies as st

from actors.feeds.coinbase import (
    CoinbaseHeartbeat,
    CoinbaseRefusal,
    CoinbaseTicker,
    decode,
    subscribe_text,
)
from actors.feeds.decoding import MalformedFrame


def ticker_frame(**changed: object) -> bytes:
    fields: dict[str, object] = {
        "type": "ticker",
        "sequence": 37_475_248_783,
        "product_id": "BTC-USD",
        "price": "68900.52",
        "best_bid": "68900.51",
        "side": "buy",
        "time": "2026-04-16T09:30:00.123456Z",
        "trade_id": 370_843_401,
        "last_size": "0.01",
    }
    return frame(**(fields | changed))


def test_the_subscription_asks_for_ticker_and_heartbeat() -> None:
    assert json.loads(subscribe_text("BTC-USD")) == {
        "type": "subscribe",
        "product_ids": ["BTC-USD"],
        "channels": ["ticker", "heartbeat"],
    }


def test_a_ticker_is_decoded_exactly() -> None:
    assert decode(ticker_frame()) == [
        CoinbaseTicker(
            product="BTC-USD",
            sequence=37_475_248_783,
            trade_id=370_843_401,
            price_e18=68_900_520_000_000_000_000_000,
            timestamp_ms=1_776_331_800_123,
        )
    ]


def test_a_heartbeat_says_the_last_trade() -> None:
    raw = frame(
        type="heartbeat",
        sequence=90,
        last_trade_id=20,
        product_id="BTC-USD",
        time="2026-04-16T09:30:00Z",
    )
    assert decode(raw) == [CoinbaseHeartbeat(product="BTC-USD", last_trade_id=20)]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"message": "Failed to subscribe"}, "Failed to subscribe"),
        ({"message": "error", "reason": "ErrSlowConsume"}, "error: ErrSlowConsume"),
    ],
)
def test_a_refusal_says_why(fields: dict[str, str], text: str) -> None:
    assert decode(frame(type="error", **fields)) == [CoinbaseRefusal(text)]


def test_the_list_of_subscriptions_is_no_event() -> None:
    raw = frame(type="subscriptions", channels=[{"name": "ticker", "product_ids": ["BTC-USD"]}])
    assert decode(raw) == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        frame(type="confetti"),
        frame(product_id="BTC-USD"),
        ticker_frame(price=68900.5),
        ticker_frame(price="NaN"),
        ticker_frame(price="-1"),
        ticker_frame(price="0"),
        ticker_frame(time="yesterday"),
        ticker_frame(time="2026-04-16T09:30:00"),
        ticker_frame(sequence="1"),
        ticker_frame(trade_id=None),
    ],
)
def test_malformed_frames_raise_one_named_error(raw: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode(raw)


@given(st.binary())
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode(raw)
