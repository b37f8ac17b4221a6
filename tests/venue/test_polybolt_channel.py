"""PolyBolt as its clients see it: requests, numbers, histories, limits and faults."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from venue.channels.polybolt import MOST_AUTH_TRIES, MOST_SUBSCRIPTIONS, PolyBoltSession
from venue.channels.session import Close
from venue.faults import FaultKind
from venue.frames import Channel, Frame
from venue.prices import PriceBoard, PriceStreams

CREDENTIALS = {"apiKey": "key", "secret": "s", "passphrase": "p"}
TWAP = {"channel": "price.crypto.twap", "filter": {"symbol": "btcusd", "window_seconds": 60}}
SPOT = {"channel": "price.crypto", "filter": {"symbol": "btcusd"}}
NOW_S = 250


def price_e18(second: int) -> int:
    return (90_000 + second) * 10**18 + second


def streams(missing_share: float = 0.0) -> PriceStreams:
    prices = PriceStreams("btc", 1_000, Random("prices"), missing_share)
    for second in range(1, NOW_S + 1):
        prices.sample(second * 1_000, price_e18(second))
        prices.publish(second * 1_000, 90_000.0)
    return prices


class Client:
    """Talks to a session in decoded frames; the host's time stands still unless it is moved."""

    def __init__(self, prices: PriceStreams | None = None) -> None:
        self.prices = prices or streams()
        self.wall_ms = 0
        self.second = NOW_S
        self.board = PriceBoard([self.prices])
        self.session = PolyBoltSession(
            self.board,
            lambda *given: "wallet" if given == ("key", "s", "p") else None,
            lambda: NOW_S * 1_000,
            lambda: self.wall_ms,
            lambda: "nonce",
        )

    def send(self, **request: Any) -> list[Any]:
        replies = self.session.receive(json.dumps(request))
        return [one if isinstance(one, Close) else json.loads(one) for one in replies]

    def auth(self) -> list[Any]:
        return self.send(op="auth", rid="a", auth=CREDENTIALS)

    def subscribe(self, *items: dict[str, Any]) -> list[Any]:
        return self.send(op="subscribe", rid="s", subscriptions=list(items))

    def told(self, frames: list[Frame]) -> list[dict[str, Any]]:
        own = [frame for frame in frames if not self.session.keys.isdisjoint(frame.keys)]
        return [json.loads(text) for frame in own for text in self.session.carry(frame)]

    def next_second(self) -> list[dict[str, Any]]:
        self.second += 1
        self.prices.sample(self.second * 1_000, price_e18(self.second))
        frames = self.prices.publish(self.second * 1_000, 90_000.0)
        return self.told([frame for frame in frames if frame.channel is Channel.POLYBOLT])


@pytest.fixture
def client() -> Client:
    client = Client()
    client.auth()
    return client


def test_every_request_is_acknowledged_with_the_clients_own_id() -> None:
    client = Client()
    assert client.send(op="ping", rid="1") == [{"op": "pong", "rid": "1"}]
    assert client.send(op="ping") == [{"op": "pong"}]
    challenge = client.send(op="challenge", rid="2")
    assert challenge == [{"op": "challenge", "nonce": "nonce", "rid": "2"}]
    assert client.auth() == [{"op": "authed", "rid": "a"}]
    ack, _snapshot = client.subscribe(TWAP)
    assert ack == {"op": "subscribed", "channel": "price.crypto.twap", "rid": "s"}
    gone = client.send(op="unsubscribe", rid="3", **TWAP)
    assert gone == [{"op": "unsubscribed", "channel": "price.crypto.twap", "rid": "3"}]
    assert client.session.keys == set()


def test_prices_need_credentials_and_wrong_ones_end_the_connection() -> None:
    client = Client()
    (refused,) = client.subscribe(TWAP)
    assert (refused["op"], refused["code"]) == ("error", "auth_required")

    error, close = client.send(op="auth", rid="a", auth=CREDENTIALS | {"secret": "other"})

    assert (error["code"], error["rid"], close.code) == ("auth_invalid", "a", 4001)


def test_a_snapshot_holds_the_exact_averages_of_two_minutes(client: Client) -> None:
    _ack, frame = client.subscribe(TWAP)

    payload = frame.pop("payload")
    ts = NOW_S * 1_000
    assert frame == {"v": 1, "channel": TWAP["channel"], "seq": 1, "ts": ts, "snapshot": True}
    data = payload.pop("data")
    assert payload == {"symbol": "btcusd", "source": "chainlink", "window_seconds": 60}
    assert [one["timestamp"] for one in data] == [s * 1_000 for s in range(130, 250)]
    average = sum(price_e18(second) for second in range(190, 250)) // 60
    text = data[-1]["full_accuracy_value"]
    whole, _, fraction = text.partition(".")
    assert int(whole + fraction.ljust(18, "0")) == average
    assert data[-1]["value"] == float(text)


def test_updates_are_numbered_after_the_snapshot_channel_by_channel(client: Client) -> None:
    first = client.subscribe(TWAP, SPOT)
    assert [one["seq"] for one in first if "seq" in one] == [1, 1]

    told = [*client.next_second(), *client.next_second()]

    assert [(one["channel"], one["seq"]) for one in told] == [
        ("price.crypto", 2),
        ("price.crypto.twap", 2),
        ("price.crypto", 3),
        ("price.crypto.twap", 3),
    ]
    assert not any(one["snapshot"] or "dropped" in one for one in told)
    assert [one["payload"]["source"] for one in told[:2]] == ["pyth", "chainlink"]
    assert told[1]["payload"]["timestamp"] == NOW_S * 1_000
    assert told[1]["payload"]["window_seconds"] == 60
    assert "window_seconds" not in told[0]["payload"]


def test_a_repeated_subscription_brings_no_second_snapshot_and_a_renewed_one_does(
    client: Client,
) -> None:
    client.subscribe(TWAP)
    assert client.subscribe(TWAP) == [{"op": "subscribed", "channel": TWAP["channel"], "rid": "s"}]

    client.send(op="unsubscribe", **TWAP)
    _ack, frame = client.subscribe(TWAP)

    assert (frame["snapshot"], frame["seq"]) == (True, 2)


@pytest.mark.parametrize(
    ("channel", "filter_"),
    [
        ("price.crypto.twap", {"symbol": "btcusd", "window_seconds": 30}),
        ("price.crypto.twap", {"symbol": "btcusd"}),
        ("price.crypto.twap", {"symbol": "BTCUSD", "window_seconds": 60}),
        ("price.crypto.twap", {"symbol": "btc/usd", "window_seconds": 60}),
        ("price.crypto", {"symbol": 7}),
        ("price.crypto", {}),
    ],
)
def test_a_filter_that_is_not_served_is_bad(client: Client, channel: str, filter_: Any) -> None:
    (error,) = client.subscribe({"channel": channel, "filter": filter_})

    assert error == {"op": "error", "code": "bad_filter", "channel": channel, "rid": "s"}
    assert client.session.keys == set()


def test_a_symbol_without_prices_has_an_empty_snapshot(client: Client) -> None:
    item = {"channel": "price.crypto.twap", "filter": {"symbol": "zecusd", "window_seconds": 60}}

    _ack, frame = client.subscribe(item)

    assert (frame["payload"]["symbol"], frame["payload"]["data"]) == ("zecusd", [])


@pytest.mark.parametrize(
    "text", ["nonsense", "[]", '{"op":7}', '{"op":"subscribe","subscriptions":[]}']
)
def test_a_frame_that_is_no_request_is_refused_and_ends_nothing(client: Client, text: str) -> None:
    (reply,) = client.session.receive(text)

    assert json.loads(str(reply))["code"] == "bad_frame"
    assert client.send(op="shout", rid="x")[0]["code"] == "bad_op"
    assert client.subscribe({"channel": "price.tulip"})[0]["code"] == "bad_channel"


def test_the_limits_of_a_connection_hold(client: Client) -> None:
    items = [
        {"channel": "price.crypto", "filter": {"symbol": f"c{number:02}usd"}}
        for number in range(MOST_SUBSCRIPTIONS + 1)
    ]
    codes = [one["code"] for one in client.subscribe(*items) if one.get("op") == "error"]
    assert codes == ["sub_limit"]
    for _ in range(19):
        assert client.send(op="unsubscribe", **SPOT)[0]["op"] == "unsubscribed"
    assert client.send(op="unsubscribe", rid="x", **SPOT)[0]["code"] == "rate_limited"
    client.wall_ms += 1_000
    assert client.send(op="unsubscribe", **SPOT)[0]["op"] == "unsubscribed"
    assert client.send(op="ping", rid="x" * 65_536) == [Close(4008, "frame too large")]
    for _ in range(MOST_AUTH_TRIES - 1):
        assert client.auth()[0]["op"] == "authed"
    assert client.auth() == [Close(4008, "too many auth attempts")]


def test_dropped_frames_are_told_with_the_next_one(client: Client) -> None:
    client.subscribe(TWAP)
    client.session.apply_fault(FaultKind.DROP_FRAMES, 2)

    assert [*client.next_second(), *client.next_second()] == []
    (frame,) = client.next_second()
    assert (frame["seq"], frame["dropped"]) == (2, 2)
    (frame,) = client.next_second()
    assert (frame["seq"], "dropped" in frame) == (3, False)


def test_numbers_can_jump_without_a_word(client: Client) -> None:
    client.subscribe(TWAP)
    client.session.apply_fault(FaultKind.SEQ_JUMP, 3)

    (frame,) = client.next_second()

    assert (frame["seq"], "dropped" in frame) == (5, False)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (FaultKind.DRAIN, 4003),
        (FaultKind.SLOW_CONSUMER, 4002),
        (FaultKind.POLICY_BREACH, 4008),
        (FaultKind.DROP, 1001),
    ],
)
def test_a_connection_ends_with_the_code_of_its_fault(client: Client, kind, code: int) -> None:
    (close,) = client.session.apply_fault(kind, 1)

    assert isinstance(close, Close)
    assert close.code == code


def test_a_second_that_never_arrives_live_is_in_a_snapshots_history() -> None:
    client = Client()
    client.auth()
    client.subscribe(TWAP)
    client.prices.apply_fault(Channel.POLYBOLT, FaultKind.MISSING_SECONDS, 1)
    assert client.next_second() == []
    assert [one["payload"]["timestamp"] for one in client.next_second()] == [251_000]

    ticks = client.board.snapshot_body("price.crypto.twap", "btcusd", 252_000)

    assert [one["timestamp"] for one in json.loads(ticks)["payload"]["data"][-2:]] == [
        250_000,
        251_000,
    ]


def test_seconds_go_missing_at_the_share_asked_for_and_not_in_both_sources_at_once() -> None:
    prices = PriceStreams("btc", 1_000, Random("seed"), 0.05)
    told: dict[Channel, set[int]] = {Channel.POLYBOLT: set(), Channel.RTDS: set()}
    for second in range(1, 4_001):
        prices.sample(second * 1_000, price_e18(second))
        for frame in prices.publish(second * 1_000, 90_000.0):
            if frame.channel in told:
                told[frame.channel].add(second)

    missing = {channel: 4_000 - len(seconds) for channel, seconds in told.items()}

    assert all(120 < count < 280 for count in missing.values())
    assert len(told[Channel.POLYBOLT] | told[Channel.RTDS]) > 3_950
