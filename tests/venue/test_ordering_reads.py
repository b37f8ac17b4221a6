from __future__ import annotations

import json
from typing import Any

import pytest
from ordering_builders import ALICE, AT_ONCE, BOB, DOWN, UP, WINDOW, Venue

from venue.channels.session import Close
from venue.channels.user import UserSession
from venue.engine.messages import Outcome
from venue.frames import Channel
from venue.ordering.admission import RequestRefused
from venue.ordering.reads import END_CURSOR, PAGE_SIZE, AccountReads
from venue.ordering.settlement import Fate, TradeStatus, settlement_of


def reads_of(venue: Venue) -> AccountReads:
    return AccountReads(1, venue.desk.books, venue.ledger)


def pages_of(read: Any, venue: Venue) -> list[list[dict[str, Any]]]:
    pages, query = [], {}
    while query.get("next_cursor") != END_CURSOR:
        page = read(ALICE, query, venue.now_ms)
        assert page["count"] == len(page["data"])
        pages.append(page["data"])
        query = {"next_cursor": page["next_cursor"]}
    return pages


def test_long_lists_come_in_pages() -> None:
    venue = Venue(AT_ONCE)
    for _ in range(PAGE_SIZE + 1):
        venue.place(price=0.1, size=5)
    pages = pages_of(reads_of(venue).open_orders, venue)
    assert [len(page) for page in pages] == [PAGE_SIZE, 1]
    ids = [row["id"] for page in pages for row in page]
    assert ids == [order.order_id for order in venue.desk.books.orders_of(ALICE)]
    assert reads_of(venue).open_orders(ALICE, {"next_cursor": END_CURSOR}, 0)["data"] == []


def test_trades_come_newest_first() -> None:
    venue = Venue(AT_ONCE)
    venue.robot("ask", Outcome.DOWN, 450, 100)
    placed = []
    for _ in range(3):
        placed.append(venue.place(price=0.55, size=5).trade_ids[0])
        venue.pass_time(1_000)
    (page,) = pages_of(reads_of(venue).trades, venue)
    assert [row["id"] for row in page] == placed[::-1]
    assert {row["status"] for row in page} <= {
        f"TRADE_STATUS_{status.value}" for status in TradeStatus
    }


@pytest.mark.parametrize("query", [{"next_cursor": "x"}, {"after": "-1"}, {"before": "now"}])
def test_a_query_that_is_no_number_is_refused(query: dict[str, str]) -> None:
    venue = Venue()
    with pytest.raises(RequestRefused) as refused:
        reads_of(venue).trades(ALICE, query, venue.now_ms)
    assert refused.value.status == 400


def test_an_ended_order_cannot_be_told_from_one_that_never_was() -> None:
    venue = Venue()
    answers = set()
    for number in range(40):
        order_id = f"0x{number:064x}"
        if number % 2:
            order_id = venue.place(price=0.1, size=5).order_id
            venue.desk.cancel(ALICE, [order_id], venue.now_ms)
        try:
            answers.add((number % 2, reads_of(venue).order(ALICE, order_id, venue.now_ms)))
        except RequestRefused as refused:
            answers.add((number % 2, refused.status))
    assert answers == {(0, None), (0, 404), (1, None), (1, 404)}


def test_an_order_is_shown_to_its_owner_alone() -> None:
    venue = Venue()
    order_id = venue.place().order_id
    row = reads_of(venue).order(ALICE, order_id, venue.now_ms)
    assert row is not None
    assert (row["id"], row["associate_trades"], row["expiration"]) == (order_id, [], "0")
    try:
        assert reads_of(venue).order(BOB, order_id, venue.now_ms) is None
    except RequestRefused as refused:
        assert refused.status == 404  # noqa: PT017 # either answer is right


def test_balances_are_in_millionths() -> None:
    venue = Venue()
    assert reads_of(venue).money(ALICE)["balance"] == "1000000000"
    shares = reads_of(venue).shares(ALICE, WINDOW, DOWN, venue.now_ms)
    assert shares["balance"] == "100000000"
    assert reads_of(venue).money("0xnew")["balance"] == "0"
    assert reads_of(venue).nothing()["balance"] == "0"


@pytest.mark.parametrize("fate", Fate)
def test_a_trade_settles_in_order_and_ends(fate: Fate) -> None:
    for number in range(50):
        steps = settlement_of(1, f"trade-{number}", 1_000, fate, 60_000)
        times = [step.at_ms for step in steps]
        assert times == sorted(times)
        assert times[0] > 1_000
        last = TradeStatus.FAILED if fate.is_failure else TradeStatus.CONFIRMED
        assert steps[-1].status is last
        assert settlement_of(1, f"trade-{number}", 1_000, fate, 60_000) == steps


@pytest.mark.parametrize("fate", [Fate.FAILED, Fate.FAILED_LATE])
def test_a_failure_is_over_in_time(fate: Fate) -> None:
    steps = settlement_of(1, "trade", 1_000, fate, 1_500)
    assert {step.at_ms for step in steps} == {1_500}


def session() -> UserSession:
    return UserSession(lambda key, _secret, _passphrase: ALICE if key == "good" else None)


def frame(**fields: Any) -> str:
    auth = {"apiKey": "good", "secret": "s", "passphrase": "p"}
    return json.dumps({"type": "user", "auth": auth} | fields)


def test_a_subscription_without_markets_is_for_all() -> None:
    one = session()
    assert one.receive(frame()) == []
    assert one.keys == {ALICE}
    assert one.receive("PING") == ["PONG"]


def test_an_empty_list_of_markets_is_for_none() -> None:
    one = session()
    one.receive(frame(markets=[]))
    assert one.keys == set()


def test_markets_are_added_and_taken_away() -> None:
    one = session()
    one.receive(frame(markets=["0x1"]))
    one.receive(json.dumps({"operation": "subscribe", "markets": ["0x2", "0x3"]}))
    one.receive(json.dumps({"operation": "unsubscribe", "markets": ["0x1", "0x3"]}))
    assert one.keys == {f"{ALICE}/0x2"}
    assert one.receive("not json") == []


@pytest.mark.parametrize(
    "first",
    [
        "PING",
        "not json",
        frame(type="market"),
        frame(auth=None),
        frame(auth={"apiKey": "bad"}),
        json.dumps({"operation": "subscribe", "markets": ["0x1"]}),
    ],
)
def test_a_first_frame_that_proves_nothing_ends_the_connection(first: str) -> None:
    one = session()
    (reply,) = one.receive(first)
    assert isinstance(reply, Close)
    assert reply.code == 1008
    assert one.keys == set()


def test_events_reach_those_who_listen_to_their_market() -> None:
    venue = Venue()
    venue.place(token=UP)
    venue.pass_time(1_000)
    (sent,) = (frame for frame in venue.frames if frame.channel is Channel.USER)
    for markets, hears in ((None, True), ([WINDOW.condition_id], True), (["0x1"], False)):
        one = session()
        one.receive(frame(markets=markets) if markets else frame())
        assert (not one.keys.isdisjoint(sent.keys)) == hears
