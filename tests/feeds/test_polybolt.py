import json

import pytest
from feed_builders import NOW_MS, commands, frame
from hypothesis import given
from hypothesis import strategies as st
from price_frames import AUTHED, PRICE_E18, SUBSCRIBED, bolt_frame, bolt_snapshot, point

from actors.feeds.polybolt import (
    PING_TEXT,
    ApiCredentials,
    Authenticate,
    PolyBoltProtocol,
    auth_text,
    subscribe_text,
)
from actors.messages.feeds import POLYBOLT, TwapTick

CREDENTIALS = ApiCredentials("a-key", "a-secret", "a-passphrase")


def tick(at_ms: int = NOW_MS, price_e18: int = PRICE_E18) -> TwapTick:
    return TwapTick(
        price_e18=price_e18, timestamp_ms=at_ms, window_s=60, source=POLYBOLT, asset="btc"
    )


@pytest.fixture
def session() -> PolyBoltProtocol:
    return PolyBoltProtocol("btcusd")


def subscribed() -> PolyBoltProtocol:
    session = PolyBoltProtocol("btcusd")
    session.receive(AUTHED)
    session.receive(SUBSCRIBED)
    return session


# What is said


def test_the_first_frame_is_the_ports_for_it_holds_credentials(session: PolyBoltProtocol) -> None:
    assert commands(session.opening("a"), Authenticate) == [Authenticate("a")]
    assert json.loads(auth_text(CREDENTIALS)) == {
        "op": "auth",
        "rid": "auth",
        "auth": {"apiKey": "a-key", "secret": "a-secret", "passphrase": "a-passphrase"},
    }


def test_it_subscribes_when_its_credentials_are_acknowledged(session: PolyBoltProtocol) -> None:
    assert session.receive(frame(op="authed", rid="another")).replies == ()
    (text,) = session.receive(AUTHED).replies
    assert text == subscribe_text("btcusd")
    assert json.loads(text) == {
        "op": "subscribe",
        "rid": "subscribe",
        "subscriptions": [
            {
                "channel": "price.crypto.twap",
                "filter": {"symbol": "btcusd", "window_seconds": 60},
            }
        ],
    }
    assert json.loads(PING_TEXT)["op"] == "ping"
    assert session.receive(frame(op="pong", rid="ping")).problems == ()


def test_credentials_are_not_shown_and_their_fingerprint_tells_nothing() -> None:
    shown = repr(CREDENTIALS) + CREDENTIALS.fingerprint
    assert not any(part in shown for part in ("a-key", "a-secret", "a-passphrase"))
    others = [
        ApiCredentials("b", "a-secret", "a-passphrase"),
        ApiCredentials("a-key", "b", "a-passphrase"),
        ApiCredentials("a-key", "a-secret", "b"),
    ]
    assert len({each.fingerprint for each in [CREDENTIALS, *others]}) == 4


# What is refused


def test_an_error_about_credentials_ends_the_use_of_them(session: PolyBoltProtocol) -> None:
    said = session.receive(frame(op="error", rid="auth", code="auth_invalid"))
    assert said.are_credentials_refused
    assert "auth_invalid" in said.refusal


@pytest.mark.parametrize("code", ["bad_filter", "sub_limit", "rate_limited", "auth_required"])
def test_a_refused_subscription_makes_the_connection_useless(
    session: PolyBoltProtocol, code: str
) -> None:
    session.receive(AUTHED)
    said = session.receive(frame(op="error", rid="subscribe", code=code))
    assert code in said.refusal
    assert not said.are_credentials_refused


def test_an_error_once_subscribed_is_a_problem_and_no_more() -> None:
    said = subscribed().receive(frame(op="error", rid="ping", code="rate_limited"))
    assert said.problems
    assert not said.refusal


# Prices


def test_an_update_is_an_exact_tick() -> None:
    assert subscribed().receive(bolt_frame(1)).ticks == (tick(),)


def test_a_snapshot_gives_each_of_its_elements_oldest_first() -> None:
    raw = bolt_snapshot(1, point(NOW_MS + 1_000, "2"), point(NOW_MS, "1.000000000000000001"))
    said = subscribed().receive(raw)
    assert said.ticks == (tick(NOW_MS, 10**18 + 1), tick(NOW_MS + 1_000, 2 * 10**18))
    assert said.problems == ()
    assert subscribed().receive(bolt_snapshot(1)).ticks == ()


def test_an_element_without_its_exact_value_proves_no_price() -> None:
    bare = {"timestamp": NOW_MS, "value": 65026.4}
    said = subscribed().receive(bolt_snapshot(1, bare, point(NOW_MS + 1_000)))
    assert said.ticks == (tick(NOW_MS + 1_000),)
    assert said.problems == ()
    assert subscribed().receive(bolt_frame(1, full_accuracy_value=None)).ticks == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"timestamp": str(NOW_MS)},
        {"timestamp": float(NOW_MS)},
        {"window_seconds": "60"},
        {"window_seconds": 60.0},
        {"value": "65026.4"},
        {"source": "Chainlink"},
        {"new_field": {"a": 1}},
    ],
)
def test_f36_what_is_unambiguous_is_read(changed: dict[str, object]) -> None:
    assert subscribed().receive(bolt_frame(1, **changed)).ticks == (tick(),)


@pytest.mark.parametrize(
    "changed",
    [
        {"timestamp": True},
        {"timestamp": float("nan")},
        {"timestamp": None},
        {"timestamp": NOW_MS // 1000},
        {"full_accuracy_value": "65026.4578150000000000001"},
        {"full_accuracy_value": "-1"},
        {"full_accuracy_value": "0"},
        {"full_accuracy_value": "1e5"},
        {"full_accuracy_value": 65026.457815},
        {"full_accuracy_value": True},
        {"full_accuracy_value": [1]},
        {"window_seconds": 30},
        {"window_seconds": True},
        {"source": "pyth"},
    ],
)
def test_a_bad_element_loses_itself_only(changed: dict[str, object]) -> None:
    raw = bolt_snapshot(1, point(), point() | changed, 7, point(NOW_MS + 1_000))
    said = subscribed().receive(raw)
    assert said.ticks == (tick(), tick(NOW_MS + 1_000))
    assert len(said.problems) == 2
    assert subscribed().receive(bolt_frame(1, **changed)).ticks == ()


@pytest.mark.parametrize(
    "raw",
    [
        bolt_frame(1, window_seconds=30),
        bolt_snapshot(1, point(), window_seconds=30),
        bolt_snapshot(1, point(), source="pyth"),
        frame(v=1, channel="price.crypto.twap", seq=1, payload=None),
        frame(v=1, channel="price.crypto.twap", seq=1),
        b"[]",
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_cannot_be_read_gives_a_sentence_and_no_price(raw: bytes) -> None:
    said = subscribed().receive(raw)
    assert said.ticks == ()
    assert len(said.problems) == 1


def test_other_channels_and_symbols_are_none_of_ours() -> None:
    session = subscribed()
    spot = bolt_frame(5).replace(b"price.crypto.twap", b"price.crypto")
    assert session.receive(spot).ticks == ()
    assert session.receive(bolt_frame(1, symbol="ethusd")).ticks == ()
    said = session.receive(bolt_frame(2))
    assert said.ticks
    assert said.lost_count == 0  # the other symbol's frame was counted, the other channel's not


# Numbers


def test_consecutive_frames_have_lost_nothing() -> None:
    session = subscribed()
    frames = [bolt_snapshot(7, point()), bolt_frame(8), bolt_frame(9), bolt_frame("10")]  # type: ignore[arg-type] # as a careless server might
    assert [session.receive(raw).lost_count for raw in frames] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("seq", "dropped", "lost_count"),
    [(4, None, 1), (7, None, 4), (3, 5, 5), (4, 1, 1), (2, None, 1), (1, None, 1), (3, 0, 0)],
)
def test_a_gap_a_step_back_and_dropped_frames_are_losses(
    seq: int, dropped: int | None, lost_count: int
) -> None:
    session = subscribed()
    session.receive(bolt_frame(2))
    head = {} if dropped is None else {"dropped": dropped}
    said = session.receive(bolt_frame(seq, NOW_MS + 1_000, **head))
    assert said.lost_count == lost_count
    assert said.ticks  # what did arrive counts all the same


@pytest.mark.parametrize("seq", [None, "x", True, -1, 1.5])
def test_a_frame_with_no_readable_number_is_a_problem_but_keeps_its_price(seq: object) -> None:
    said = subscribed().receive(bolt_frame(seq))  # type: ignore[arg-type] # that is the point
    assert said.ticks
    assert said.problems


# Whatever comes

_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)
_FIELDS = st.sampled_from(["op", "rid", "code", "channel", "seq", "dropped", "snapshot", "payload"])
_PAYLOAD_FIELDS = st.sampled_from(
    ["symbol", "source", "timestamp", "value", "full_accuracy_value", "window_seconds", "data"]
)


@given(st.binary())
def test_no_bytes_raise_anything(raw: bytes) -> None:
    assert subscribed().receive(raw).ticks == ()


@given(_FIELDS, _JSON, st.booleans())
def test_no_field_of_a_frame_raises_anything(field: str, value: object, is_snapshot: bool) -> None:
    good = json.loads(bolt_snapshot(1, point()) if is_snapshot else bolt_frame(1))
    said = subscribed().receive(frame(**(good | {field: value})))
    assert set(said.ticks) <= {tick()}


@given(_PAYLOAD_FIELDS, _JSON)
def test_no_field_of_a_payload_makes_another_price(field: str, value: object) -> None:
    if field in ("timestamp", "full_accuracy_value", "data"):
        return  # another moment or price may be as good
    said = subscribed().receive(bolt_frame(1, **{field: value}))
    assert set(said.ticks) <= {tick()}


@given(st.lists(_JSON))
def test_good_elements_survive_any_neighbours(neighbours: list[object]) -> None:
    said = subscribed().receive(bolt_snapshot(1, *neighbours, point(), *neighbours))
    assert tick() in said.ticks
