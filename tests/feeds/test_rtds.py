import json

import pytest
from feed_builders import NOW_MS, frame
from hypothesis import given
from hypothesis import strategies as st

from actors.feeds.decoding import MalformedFrame
from actors.feeds.messages import TwapTick
from actors.feeds.rtds import TWAP_TOPIC, decode, subscribe_text

PRICE_E18 = 65_026_457_815_000_000_000_000


def twap_frame(topic: str = TWAP_TOPIC, **changed: object) -> bytes:
    payload: dict[str, object] = {
        "symbol": "btc/usd",
        "timestamp": NOW_MS,
        "value": 65026.4,
        "full_accuracy_value": str(PRICE_E18),
        "window_s": 60,
    }
    return frame(topic=topic, type="update", timestamp=NOW_MS + 5, payload=payload | changed)


def history_frame(*ticks: dict[str, object], **payload: object) -> bytes:
    return frame(
        topic=TWAP_TOPIC,
        type="subscribe",
        timestamp=NOW_MS,
        payload={"symbol": "btc/usd", "data": ticks, **payload},
    )


def tick(at_ms: int, price_e18: int = PRICE_E18, window_s: int = 60) -> TwapTick:
    return TwapTick(price_e18=price_e18, timestamp_ms=at_ms, window_s=window_s)


def test_the_subscription_filters_by_symbol_in_compact_json() -> None:
    (subscription,) = json.loads(subscribe_text("btc/usd"))["subscriptions"]
    assert subscription == {
        "topic": "crypto_prices_twap_sixty",
        "type": "update",
        "filters": '{"symbol":"btc/usd"}',
    }


def test_a_tick_takes_the_exact_value_and_its_own_timestamp() -> None:
    assert decode(twap_frame(), "btc/usd") == [tick(NOW_MS)]
    assert decode(twap_frame(window_s=30), "btc/usd") == [tick(NOW_MS, window_s=30)]


def test_other_topics_and_symbols_give_nothing() -> None:
    assert decode(twap_frame(topic="crypto_prices"), "btc/usd") == []
    assert decode(twap_frame(), "eth/usd") == []


def test_a_history_gives_its_exact_ticks_oldest_first() -> None:
    exact = str(PRICE_E18)
    raw = history_frame(
        {"timestamp": NOW_MS + 2_000, "full_accuracy_value": exact},
        {"timestamp": NOW_MS, "full_accuracy_value": "7", "value": 0.0},
        {"timestamp": NOW_MS + 1_000, "value": 65026.4},
    )
    assert decode(raw, "btc/usd") == [tick(NOW_MS, 7), tick(NOW_MS + 2_000)]
    assert decode(history_frame(), "btc/usd") == []


def test_a_history_says_its_window_once_or_by_tick() -> None:
    one = {"timestamp": NOW_MS, "full_accuracy_value": "7"}
    raw = history_frame(one, one | {"window_s": 20}, window_s=30)
    assert [found.window_s for found in decode(raw, "btc/usd")] == [30, 20]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        frame(topic=TWAP_TOPIC),
        frame(payload={}),
        frame(topic=TWAP_TOPIC, payload=[]),
        frame(topic=TWAP_TOPIC, payload={"timestamp": 1}),
        twap_frame(full_accuracy_value=None),
        twap_frame(full_accuracy_value=65026),
        twap_frame(full_accuracy_value="65026.457815"),
        twap_frame(full_accuracy_value="-5"),
        twap_frame(full_accuracy_value="0"),
        twap_frame(full_accuracy_value=""),
        twap_frame(timestamp="1776331800000"),
        twap_frame(timestamp=None),
        history_frame({"timestamp": NOW_MS, "full_accuracy_value": "NaN"}),
    ],
)
def test_malformed_frames_raise_one_named_error(raw: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode(raw, "btc/usd")


@given(st.binary())
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode(raw, "btc/usd")
