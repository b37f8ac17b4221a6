from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from venue.channels.coinbase import CoinbaseSession
from venue.channels.market import MarketSession
from venue.channels.rtds import RtdsSession
from venue.channels.session import Close
from venue.faults import FaultKind
from venue.frames import NEW_MARKETS_KEY, Channel, Frame, custom_key
from venue.hub import FaultPlan
from venue.prices import PriceBoard, PriceStreams
from venue.wire.book import PublishedBook


@pytest.fixture
def market_session() -> MarketSession:
    books = {token: PublishedBook("0xc0", token) for token in ("71", "72")}
    books["71"].set_level(True, 480, 30_000_000)
    return MarketSession(books.get, lambda: 1_000)


@pytest.fixture
def prices() -> PriceStreams:
    prices = PriceStreams("btc", 1_000, Random("prices"))
    for second in range(1, 131):
        prices.sample(second * 1_000, (90_000 + second) * 10**18)
        prices.publish(second * 1_000, 90_000 + second / 100)
    return prices


def subscribe(**fields: object) -> str:
    return json.dumps({"type": "market", "assets_ids": ["71"], **fields})


def test_a_subscription_is_answered_with_one_array_of_books(market_session) -> None:
    (reply,) = market_session.receive(subscribe(assets_ids=["71", "72", "unknown"]))

    books = json.loads(reply)
    assert [book["asset_id"] for book in books] == ["71", "72"]
    assert books[0]["bids"] == [{"price": "0.48", "size": "30"}]
    assert books[0]["tick_size"] == "0.01"


@pytest.mark.parametrize("text", ["PING", "nonsense", "{}", '{"type":"user","assets_ids":["71"]}'])
def test_anything_but_a_subscription_first_ends_the_connection(market_session, text: str) -> None:
    assert market_session.receive(text) == [Close(1008, "invalid subscription payload")]


def test_ping_is_answered_after_the_first_subscription(market_session) -> None:
    market_session.receive(subscribe())

    assert market_session.receive("PING") == ["PONG"]


def test_custom_events_come_only_with_the_custom_feature(market_session) -> None:
    market_session.receive(subscribe())
    assert market_session.keys == {"71"}

    market_session.receive(
        '{"operation":"subscribe","assets_ids":["72"],"custom_feature_enabled":true}'
    )
    assert market_session.keys == {"71", "72", custom_key("72"), NEW_MARKETS_KEY}


def test_a_token_is_subscribed_and_unsubscribed_later(market_session) -> None:
    market_session.receive(subscribe())

    (books,) = market_session.receive('{"operation":"subscribe","assets_ids":["72"]}')
    assert [book["asset_id"] for book in json.loads(books)] == ["72"]
    assert market_session.receive('{"operation":"unsubscribe","assets_ids":["71"]}') == []
    assert market_session.keys == {"72"}


def test_the_first_books_can_be_declined(market_session) -> None:
    assert market_session.receive(subscribe(initial_dump=False)) == []
    assert market_session.keys == {"71"}


def test_a_broken_later_request_is_ignored(market_session) -> None:
    market_session.receive(subscribe())

    assert market_session.receive("{broken") == []
    assert market_session.receive("PING") == ["PONG"]


@pytest.mark.parametrize(
    ("filters", "is_served"),
    [("", True), ('{"symbol":"btc/usd"}', True), ('{"symbol": "btc/usd"}', False)],
)
def test_a_price_filter_is_compared_as_text(prices, filters: str, is_served: bool) -> None:
    session = RtdsSession(PriceBoard([prices]), lambda: 130_000)
    item = {"topic": "crypto_prices_twap_sixty", "type": "update", "filters": filters}

    replies = session.receive(json.dumps({"action": "subscribe", "subscriptions": [item]}))

    assert bool(replies) is is_served
    assert session.keys == ({"crypto_prices_twap_sixty/btc/usd"} if is_served else set())


def test_a_price_subscription_brings_the_exact_averages_of_the_last_minute(prices) -> None:
    session = RtdsSession(PriceBoard([prices]), lambda: 130_000)
    item = {"topic": "crypto_prices_twap_sixty", "type": "update"}
    (reply,) = session.receive(json.dumps({"action": "subscribe", "subscriptions": [item]}))

    history = json.loads(reply)
    data = history["payload"]["data"]
    assert history["type"] == "subscribe"
    assert [tick["timestamp"] for tick in data] == [s * 1_000 for s in range(70, 130)]
    assert data[-1]["full_accuracy_value"] == str((90_000 * 2 + 70 + 129) * 10**18 // 2)
    assert session.receive("PING") == ["PONG"]
    assert session.receive("nonsense") == []
    session.receive(json.dumps({"action": "unsubscribe", "subscriptions": [item]}))
    assert session.keys == set()


@pytest.mark.parametrize(
    "request_",
    [
        {"product_ids": ["BTC-USD"], "channels": ["ticker", "heartbeat"]},
        {
            "channels": [
                {"name": name, "product_ids": ["BTC-USD"]} for name in ("ticker", "heartbeat")
            ]
        },
    ],
)
def test_coinbase_confirms_a_subscription_and_tells_the_newest_match(prices, request_) -> None:
    session = CoinbaseSession(PriceBoard([prices]))

    confirmed, ticker = session.receive(json.dumps({"type": "subscribe", **request_}))

    assert json.loads(confirmed)["channels"] == [
        {"name": "heartbeat", "product_ids": ["BTC-USD"]},
        {"name": "ticker", "product_ids": ["BTC-USD"]},
    ]
    assert json.loads(ticker)["price"] == "90001.30"
    assert session.keys == {"ticker:BTC-USD", "heartbeat:BTC-USD"}

    (left,) = session.receive(
        '{"type":"unsubscribe","product_ids":["BTC-USD"],"channels":["ticker"]}'
    )
    assert json.loads(left)["channels"] == [{"name": "heartbeat", "product_ids": ["BTC-USD"]}]


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        '{"type":"subscribe"}',
        '{"type":"subscribe","product_ids":["ETH-USD"],"channels":["ticker"]}',
        '{"type":"subscribe","product_ids":["BTC-USD"],"channels":["full"]}',
        '{"type":"shout","product_ids":["BTC-USD"],"channels":["ticker"]}',
    ],
)
def test_coinbase_refuses_what_it_does_not_serve(prices, text: str) -> None:
    session = CoinbaseSession(PriceBoard([prices]))

    (reply,) = session.receive(text)

    assert json.loads(reply)["type"] == "error"
    assert session.keys == set()


def frame(text: str) -> Frame:
    return Frame(Channel.MARKET, ("71",), text)


@pytest.mark.parametrize(
    ("kind", "count", "expected"),
    [
        (FaultKind.GARBLE, 2, ["aa", "bb", "cccc", "dddd"]),
        (FaultKind.DUPLICATE, 1, ["aaaa", "aaaa", "bbbb", "cccc", "dddd"]),
        (FaultKind.REORDER, 1, ["bbbb", "aaaa", "cccc", "dddd"]),
        (FaultKind.REORDER, 2, ["bbbb", "aaaa", "dddd", "cccc"]),
        (FaultKind.RESUME, 1, ["aaaa", "bbbb", "cccc", "dddd"]),
    ],
)
def test_planned_faults_befall_the_next_frames_only(
    kind: FaultKind, count: int, expected: list[str]
) -> None:
    plan = FaultPlan()
    plan.plan(kind, count)

    sent = [one.text for letter in "abcd" for one in plan.apply(frame(letter * 4))]

    assert sent == expected


def test_a_frame_may_be_garbled_and_doubled() -> None:
    plan = FaultPlan()
    plan.plan(FaultKind.GARBLE, 1)
    plan.plan(FaultKind.DUPLICATE, 2)
    sent = [one.text for letter in "ab" for one in plan.apply(frame(letter * 4))]
    assert sent == ["aa", "aa", "bbbb", "bbbb"]


def test_an_unreadable_change_waits_for_a_price_change_and_spoils_its_first_level() -> None:
    plan = FaultPlan()
    plan.plan(FaultKind.UNREADABLE_CHANGE, 1)
    book = frame(json.dumps({"event_type": "book"}))
    levels = [{"price": "0.45", "size": "0"}, {"price": "0.55", "size": "0"}]
    change = frame(json.dumps({"event_type": "price_change", "price_changes": levels}))

    texts = [one.text for each in (book, change, change) for one in plan.apply(each)]

    assert [texts[0], texts[2]] == [book.text, change.text]
    spoilt = json.loads(texts[1])["price_changes"]
    assert spoilt == [{"price": "0.45", "size": None}, levels[1]]


def test_a_malformed_sibling_comes_in_one_array_with_the_book() -> None:
    plan = FaultPlan()
    plan.plan(FaultKind.MALFORMED_SIBLING, 1)
    book = {"event_type": "book", "market": "0xc0", "asset_id": "71", "timestamp": "1", "bids": []}

    (sent,) = plan.apply(frame(json.dumps(book)))

    trade, whole = json.loads(sent.text)
    assert (trade["event_type"], "price" in trade, whole) == ("last_trade_price", False, book)


def test_a_silent_stream_publishes_nothing_until_it_is_over() -> None:
    plan = FaultPlan()
    plan.plan(FaultKind.SILENCE, 1)
    assert plan.apply(frame("a")) == []
    plan.plan(FaultKind.RESUME, 1)
    assert plan.apply(frame("a")) == [frame("a")]


def told_by_coinbase(prices: PriceStreams, second: int) -> list[dict[str, Any]]:
    prices.sample(second * 1_000, 10**18)
    frames = prices.publish(second * 1_000, 90_000.0)
    return [json.loads(one.text) for one in frames if one.channel is Channel.COINBASE]


def test_coinbases_sequence_begins_anew_while_trade_ids_and_times_go_on(prices) -> None:
    before = told_by_coinbase(prices, 131)[0]
    prices.apply_fault(Channel.COINBASE, FaultKind.SEQUENCE_ANEW, 1)

    ticker, heartbeat = told_by_coinbase(prices, 132)

    assert ticker["sequence"] < before["sequence"] // 1_000
    assert (ticker["trade_id"], heartbeat["sequence"]) == (
        before["trade_id"] + 1,
        ticker["sequence"],
    )
    assert ticker["time"] > before["time"]


def test_coinbases_heartbeats_go_on_while_its_tickers_stop(prices) -> None:
    prices.apply_fault(Channel.COINBASE, FaultKind.TICKERS_STOP, 1)
    assert [one["type"] for one in told_by_coinbase(prices, 131)] == ["heartbeat"]
    prices.apply_fault(Channel.COINBASE, FaultKind.RESUME, 1)
    assert [one["type"] for one in told_by_coinbase(prices, 132)] == ["ticker", "heartbeat"]


def test_resume_calls_planned_faults_off() -> None:
    plan = FaultPlan()
    plan.plan(FaultKind.GARBLE, 5)
    plan.plan(FaultKind.RESUME, 1)

    assert [one.text for one in plan.apply(frame("whole"))] == ["whole"]
