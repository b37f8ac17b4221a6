"""What the real executor does when nothing can be recorded any more (F27)."""

from __future__ import annotations

import pytest
from order_builders import ORDER_ID, intent
from real_bench import READY, VENUE_ID, Bench

from actors.execution.messages import QueryOrder, SubmitOrder
from actors.execution.real.messages import CancelFailed, CancelOrders, OpenClient, PostOrder
from actors.execution.real.unrecorded import AGAIN_MS
from actors.messages import JournalFailed

FAILED = JournalFailed("position", "no space left on device")


@pytest.fixture
def bench() -> Bench:
    """One order that rests at the venue."""
    bench = Bench().open()
    bench.place()
    bench.forget()
    bench.commands.clear()
    return bench


def test_what_rests_is_taken_back_without_a_record(bench: Bench) -> None:
    bench.give(FAILED)
    assert [cancel.venue_order_ids for cancel in bench.commanded(CancelOrders)] == [(VENUE_ID,)]
    assert bench.events == []
    assert not bench.core.is_serving
    assert "no space left on device" in bench.logs[-1].text


def test_nothing_but_cancels_happens_from_then_on(bench: Bench) -> None:
    bench.give(FAILED)
    bench.give(FAILED)
    bench.give(SubmitOrder(intent(order_id="order_2_0000beef")))
    bench.give(QueryOrder(ORDER_ID))
    bench.sign()
    bench.advance(bench.now_ms + 10 * AGAIN_MS)
    assert {type(command) for command in bench.commands} == {CancelOrders}
    assert (bench.events, bench.sent) == ([], [])


def test_it_is_said_again_until_the_venue_has_taken_it_back(bench: Bench) -> None:
    bench.give(FAILED)
    bench.cancelled(refused={VENUE_ID: "the order is pending"})
    bench.advance(bench.now_ms + AGAIN_MS)
    bench.give(CancelFailed(venue_order_ids=(VENUE_ID,), reason="no answer"))
    bench.advance(bench.now_ms + AGAIN_MS)
    assert len(bench.commanded(CancelOrders)) == 3
    bench.cancelled(VENUE_ID)
    bench.advance(bench.now_ms + 10 * AGAIN_MS)
    assert len(bench.commanded(CancelOrders)) == 3


def test_an_executor_that_has_just_started_gets_its_credentials_first(bench: Bench) -> None:
    bench.start()
    bench.forget()
    bench.give(FAILED)
    assert bench.commanded(CancelOrders) == []
    assert bench.commanded(OpenClient)
    bench.give(READY)
    assert [cancel.venue_order_ids for cancel in bench.commanded(CancelOrders)] == [(VENUE_ID,)]


def test_an_order_that_is_not_out_is_not_cancelled_and_does_not_leave() -> None:
    bench = Bench().open()
    bench.submit()
    bench.give(FAILED)
    bench.sign()
    bench.advance(bench.now_ms + 10 * AGAIN_MS)
    assert bench.commanded(CancelOrders) == []
    assert bench.commanded(PostOrder) == []
