"""Credentials that do not hold, at the start or in the middle: one sentence, and nothing lost."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from order_builders import ORDER_ID, T0
from real_bench import READY, VENUE_ID, Bench, wire_order

from actors.execution.real.messages import (
    AccountUnread,
    CancelFailed,
    CancelOrders,
    ClientFailed,
    HeartbeatFailed,
    OpenClient,
    PostRefused,
    ReadAccount,
    SendHeartbeat,
    SignOrder,
)
from actors.execution.real.reconciler import UNKNOWN_WINDOW_MS
from actors.execution.real.venue_session import REFUSED_RETRY_MS, RETRY_MS
from actors.feeds.connection import Connect, Disconnect, SendText
from actors.messages.execution import CancelOrder, OrderCancelled, OrderRejected, OrderStatus
from actors.messages.lifecycle import JournalFailed

TEXT = "Unauthorized/Invalid api key"
LONG = {"expires_at_ms": T0 + 300_000}
DENIED = PostRefused(order_id=ORDER_ID, status=401, text=TEXT, is_unauthorized=True)


def unread(bench: Bench) -> AccountUnread:
    read_id = bench.last(ReadAccount).read_id
    return AccountUnread(read_id=read_id, reason=TEXT, is_unauthorized=True)


def denied(**changes: Any) -> Bench:
    """An executor that had an order refused with 401, and no answer yet about new credentials."""
    bench = Bench().open()
    bench.place(None, **(LONG | changes))
    bench.give(DENIED)
    return bench


def errors(bench: Bench) -> list[str]:
    texts = [log.text for log in bench.logs if log.level in ("error", "warning")]
    return [text for text in texts if not text.startswith("user channel lost")]


def test_a_401_gets_new_credentials_at_once_and_the_same_bytes_leave_with_them() -> None:
    bench = denied()
    assert len(bench.commanded(OpenClient)) == 1
    assert not bench.core.is_serving
    bench.give(READY)
    bench.read_until(bench.now_ms + 2_000)
    first, second = bench.posts
    assert first == second
    bench.answer("live")
    assert bench.status is OrderStatus.ACCEPTED
    assert bench.news(OrderRejected) == []
    assert len(bench.commanded(SignOrder)) == 1
    assert errors(bench) == [
        "nothing is traded: the venue refuses the API credentials (401); new ones are requested"
    ]
    assert bench.logs[-1].text == "the venue accepts the API credentials now"


def test_new_credentials_that_are_refused_too_are_renewed_rarely_and_said_once() -> None:
    bench = denied()
    for _ in range(4):
        bench.give(READY)
        bench.give(unread(bench))
        bench.give(DENIED)
        asked = len(bench.readings), len(bench.posts)
        bench.advance(bench.now_ms + REFUSED_RETRY_MS - 100)
        assert (len(bench.readings), len(bench.posts)) == asked
        bench.advance(bench.now_ms + 200)
    assert len(bench.commanded(OpenClient)) == 5
    assert len(errors(bench)) == 1
    assert len(set(bench.posts)) == 1


def test_while_no_credentials_hold_nothing_leaves_and_late_orders_end_with_the_reason() -> None:
    bench = denied(expires_at_ms=T0 + 20_000)
    bench.give(ClientFailed(TEXT, is_refused=True))
    second = "order_2_0000beef"
    bench.submit(order_id=second, expires_at_ms=T0 + 20_000)
    bench.commands.clear()
    bench.advance(T0 + 30_000)
    assert {type(command) for command in bench.commands} <= {SendText, Disconnect}
    third = "order_3_0000beef"
    bench.submit(order_id=third, expires_at_ms=bench.now_ms + 20_000)
    bench.give(CancelOrder(third, "enough"))
    assert bench.news(OrderCancelled, third)[0].reason.startswith("enough: no credentials")
    (first_end,), (second_end,) = bench.news(OrderCancelled), bench.news(OrderCancelled, second)
    assert TEXT in first_end.reason
    assert f"no credentials from the venue: {TEXT}" in second_end.reason


def test_a_401_proves_nothing_of_an_order_whose_posting_had_no_answer() -> None:
    bench = Bench().open()
    bench.place(None, **LONG)
    bench.lose()
    bench.give(unread(bench))
    bench.give(ClientFailed(TEXT, is_refused=True))
    bench.advance(bench.now_ms + 2 * UNKNOWN_WINDOW_MS)
    assert bench.status is OrderStatus.UNKNOWN
    bench.advance(bench.now_ms + REFUSED_RETRY_MS)
    bench.give(READY)
    bench.read_until(bench.now_ms + 3_000, wire_order("LIVE"))
    assert bench.status is OrderStatus.ACCEPTED
    assert len(bench.posts) == 1


def test_a_repost_that_meets_a_401_leaves_the_order_unknown() -> None:
    bench = Bench().open()
    bench.place(None, **LONG)
    bench.lose()
    bench.read_until(T0 + UNKNOWN_WINDOW_MS + 2_000)
    assert len(bench.posts) == 2
    bench.give(DENIED)
    assert bench.status is OrderStatus.UNKNOWN
    bench.give(READY)
    bench.read_until(bench.now_ms + 3_000, wire_order("LIVE"))
    assert bench.status is OrderStatus.ACCEPTED


def test_an_order_that_new_credentials_may_not_place_ends_with_the_venue_s_words() -> None:
    bench = denied()
    bench.give(READY)
    bench.read_until(bench.now_ms + 2_000)
    bench.refuse(400, "the order owner has to be the owner of the API KEY")
    assert "owner of the API KEY" in bench.news(OrderRejected)[0].reason


def test_a_cancel_that_meets_a_401_is_the_first_to_leave_with_new_credentials() -> None:
    bench = Bench().open()
    bench.place(**LONG)
    bench.cancel()
    bench.give(CancelFailed(venue_order_ids=(VENUE_ID,), reason=TEXT, is_unauthorized=True))
    bench.advance(bench.now_ms + 5_000)
    assert len(bench.commanded(CancelOrders)) == 1
    before = len(bench.commands)
    bench.give(READY)
    after = [each for each in bench.commands[before:] if not isinstance(each, Connect)]
    assert after[0] == CancelOrders((VENUE_ID,))


def test_the_user_channel_is_opened_anew_with_new_credentials() -> None:
    bench = denied()
    epoch = bench.last(Connect).epoch
    bench.give(READY)
    assert bench.last(Connect).epoch == epoch + 1
    bench.listen()
    bench.hear(wire_order("LIVE", type="PLACEMENT"))
    assert bench.status is OrderStatus.ACCEPTED


def test_no_heartbeat_is_sent_in_vain() -> None:
    bench = Bench(venue_heartbeat=True).open()
    bench.give(HeartbeatFailed(TEXT, is_unauthorized=True))
    bench.give(ClientFailed(TEXT, is_refused=True))
    before = len(bench.commanded(SendHeartbeat))
    bench.advance(bench.now_ms + REFUSED_RETRY_MS - 1_000)
    assert len(bench.commanded(SendHeartbeat)) == before
    bench.give(READY)
    assert len(bench.commanded(SendHeartbeat)) == before + 1


@pytest.mark.parametrize(("is_refused", "wait_ms"), [(False, RETRY_MS), (True, REFUSED_RETRY_MS)])
def test_without_an_answer_credentials_are_soon_asked_for_again_and_refused_ones_rarely(
    is_refused: bool, wait_ms: int
) -> None:
    bench = Bench()
    bench.start()
    for _ in range(3):
        bench.give(ClientFailed("the key is not the owner's", is_refused=is_refused))
        asked = len(bench.commanded(OpenClient))
        bench.advance(bench.now_ms + wait_ms - 100)
        assert len(bench.commanded(OpenClient)) == asked
        bench.advance(bench.now_ms + 200)
        assert len(bench.commanded(OpenClient)) == asked + 1
    assert errors(bench) == [
        "nothing is traded: no credentials from the venue: the key is not the owner's"
    ]


def test_what_cannot_be_recorded_is_taken_back_with_new_credentials() -> None:
    bench = Bench().open()
    bench.place(**LONG)
    bench.give(JournalFailed("position", "no space left on device"))
    bench.give(CancelFailed(venue_order_ids=(VENUE_ID,), reason=TEXT, is_unauthorized=True))
    bench.advance(bench.now_ms + 1_500)
    assert len(bench.commanded(OpenClient)) == 1
    bench.give(READY)
    assert len(bench.commanded(CancelOrders)) == 2


def test_a_late_401_to_what_older_credentials_had_asked_changes_nothing() -> None:
    bench = denied()
    bench.give(READY)
    bench.give(attrs.evolve(DENIED, is_unauthorized=False))
    assert len(bench.commanded(OpenClient)) == 1
    assert bench.status is OrderStatus.PENDING


# A market that is closed


@pytest.mark.parametrize(
    ("status", "words", "end"),
    [
        (404, "market not found", OrderRejected),
        (400, "the market is closed", OrderRejected),
        (400, "the market is not yet ready to process new orders", OrderCancelled),
    ],
)
def test_an_order_for_a_market_that_takes_none_ends_with_the_venue_s_words(
    status: int, words: str, end: type[OrderRejected | OrderCancelled]
) -> None:
    bench = Bench().open()
    bench.place(None, expires_at_ms=T0 + 8_000)
    while not bench.news(end):
        if not bench.live.is_final and bench.live.posted_at_ms:
            bench.refuse(status, words)
        bench.advance(bench.now_ms + 1_000)
        assert bench.now_ms < T0 + 20_000
    (told,) = bench.news(end)
    assert words in told.reason
    assert bench.live.traded_units == 0
