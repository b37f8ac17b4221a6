import json

import pytest
from feed_builders import NOW_MS, frame
from hypothesis import given
from hypothesis import strategies as st

from actors.feeds.rtds import TWAP_TOPIC, RtdsProtocol, decode, subscribe_text
from actors.messages.feeds import RTDS, TwapTick

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


def history_frame(*ticks: object, **payload: object) -> bytes:
    return frame(
        topic=TWAP_TOPIC,
        type="subscribe",
        timestamp=NOW_MS,
        payload={"symbol": "btc/usd", "data": ticks, **payload},
    )


def tick(at_ms: int, price_e18: int = PRICE_E18, window_s: int = 60) -> TwapTick:
    return TwapTick(
        price_e18=price_e18, timestamp_ms=at_ms, window_s=window_s, source=RTDS, asset="btc"
    )


def test_the_subscription_filters_by_symbol_in_compact_json() -> None:
    (subscription,) = json.loads(subscribe_text("btc/usd"))["subscriptions"]
    assert subscription == {
        "topic": "crypto_prices_twap_sixty",
        "type": "update",
        "filters": '{"symbol":"btc/usd"}',
    }


def test_a_tick_takes_the_exact_value_and_its_own_timestamp() -> None:
    assert decode(twap_frame(), "btc/usd") == ([tick(NOW_MS)], [])
    assert decode(twap_frame(window_s=30), "btc/usd") == ([tick(NOW_MS, window_s=30)], [])


def test_other_topics_and_symbols_give_nothing() -> None:
    assert decode(twap_frame(topic="crypto_prices"), "btc/usd") == ([], [])
    assert decode(twap_frame(), "eth/usd") == ([], [])


def test_a_history_gives_its_exact_ticks_oldest_first() -> None:
    exact = str(PRICE_E18)
    raw = history_frame(
        {"timestamp": NOW_MS + 2_000, "full_accuracy_value": exact},
        {"timestamp": NOW_MS, "full_accuracy_value": "7", "value": 0.0},
        {"timestamp": NOW_MS + 1_000, "value": 65026.4},
    )
    assert decode(raw, "btc/usd") == ([tick(NOW_MS, 7), tick(NOW_MS + 2_000)], [])
    assert decode(history_frame(), "btc/usd") == ([], [])


def test_a_history_says_its_window_once_or_by_tick() -> None:
    one = {"timestamp": NOW_MS, "full_accuracy_value": "7"}
    raw = history_frame(one, one | {"window_s": 20}, window_s=30)
    assert [found.window_s for found in decode(raw, "btc/usd")[0]] == [30, 20]


@pytest.mark.parametrize(
    "changed",
    [
        {"timestamp": str(NOW_MS)},
        {"timestamp": float(NOW_MS)},
        {"timestamp": f"{NOW_MS}.0"},
        {"window_s": "60"},
        {"window_s": 60.0},
        {"full_accuracy_value": PRICE_E18},
    ],
)
def test_f36_numbers_as_text_and_texts_as_numbers_are_read_where_they_are_unambiguous(
    changed: dict[str, object],
) -> None:
    assert decode(twap_frame(**changed), "btc/usd") == ([tick(NOW_MS)], [])


UNREADABLE = [
    {"timestamp": True},
    {"timestamp": float("nan")},
    {"timestamp": float("inf")},
    {"timestamp": NOW_MS + 0.5},
    {"timestamp": -NOW_MS},
    {"timestamp": NOW_MS // 1000},
    {"timestamp": f"{NOW_MS}e0"},
    {"timestamp": None},
    {"timestamp": [NOW_MS]},
    {"window_s": True},
    {"window_s": "sixty"},
    {"window_s": 0},
    {"full_accuracy_value": "65026.457815"},
    {"full_accuracy_value": "-5"},
    {"full_accuracy_value": "0"},
    {"full_accuracy_value": ""},
    {"full_accuracy_value": "NaN"},
    {"full_accuracy_value": float("nan")},
    {"full_accuracy_value": 6.5026457815e22},
    {"full_accuracy_value": True},
]


@pytest.mark.parametrize("changed", UNREADABLE)
def test_f36_a_bad_tick_loses_itself_only(changed: dict[str, object]) -> None:
    good = {"timestamp": NOW_MS, "full_accuracy_value": str(PRICE_E18), "window_s": 60}
    raw = history_frame(good, good | changed, "no object", good | {"timestamp": NOW_MS + 1_000})
    ticks, problems = decode(raw, "btc/usd")
    assert ticks == [tick(NOW_MS), tick(NOW_MS + 1_000)]
    assert len(problems) == 2
    assert decode(twap_frame(**changed), "btc/usd")[0] == []
    assert len(decode(twap_frame(**changed), "btc/usd")[1]) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        frame(topic=TWAP_TOPIC),
        frame(topic=TWAP_TOPIC, payload=[]),
        b'{"topic": "crypto_prices_twap_sixty", "payload": ' + b"9" * 5_000 + b"}",
        twap_frame(full_accuracy_value=None),
    ],
)
def test_what_cannot_be_read_is_a_sentence_and_nothing_more(raw: bytes) -> None:
    ticks, problems = decode(raw, "btc/usd")
    assert ticks == []
    assert len(problems) == 1


@given(st.binary())
def test_no_bytes_raise_anything(raw: bytes) -> None:
    assert decode(raw, "btc/usd")[0] == []


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "timestamp": st.one_of(st.integers(), st.floats(), st.text(), st.booleans()),
                "full_accuracy_value": st.one_of(st.integers(), st.floats(), st.text(), st.none()),
                "window_s": st.one_of(st.integers(), st.floats(), st.text(), st.none()),
            },
        )
    )
)
def test_good_ticks_survive_any_neighbours(neighbours: list[dict[str, object]]) -> None:
    good = {"timestamp": NOW_MS, "full_accuracy_value": str(PRICE_E18), "window_s": 60}
    ticks, _ = decode(history_frame(*neighbours, good, *neighbours), "btc/usd")
    assert tick(NOW_MS) in ticks


def test_a_pong_is_no_malformed_frame() -> None:
    session = RtdsProtocol("btc/usd")
    assert session.receive(b"PONG").problems == ()
    assert session.receive(b"").problems == ()
    assert session.receive(twap_frame()).ticks == (tick(NOW_MS),)
    assert session.receive(b"{").problems
