"""What the real executor does when nothing can be recorded any more (F27)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from order_builders import MARKET, ORDER_ID, T0, intent
from real_bench import READY, VENUE_ID, Bench, wire_order

from actors.execution.real.cancels import AGAIN_MS
from actors.execution.real.messages import (
    CancelAll,
    CancelAnswered,
    CancelFailed,
    CancelOrders,
    OpenClient,
    PostOrder,
    SignOrder,
)
from actors.execution.real.orders import TakenBack
from actors.messages.directory import MarketOpened
from actors.messages.execution import OrderReport, OrderStatus, QueryOrder, SubmitOrder
from actors.messages.halts import CancelEverything, EverythingCancelled, HaltTrading
from actors.messages.lifecycle import JournalFailed
from actors.roles import DESK, EXECUTOR

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


HALT = CancelEverything("position cannot record", 7)
ALL_GONE = CancelAnswered(venue_order_ids=(), canceled=(), not_canceled=())
ONE_LEFT = CancelAnswered(
    venue_order_ids=(), canceled=(), not_canceled=(("0xff", "the order is delayed"),)
)


def test_if_a_halt_cancels_the_account_it_is_taken_back_until_the_venue_has_said_so() -> None:
    bench = Bench(cancel_all_on_halt=True).open()
    bench.give(FAILED)
    bench.give(ONE_LEFT)
    bench.advance(bench.now_ms + AGAIN_MS)
    bench.give(CancelFailed(venue_order_ids=(), reason="no answer"))
    bench.give(HALT)
    assert bench.told(DESK, EverythingCancelled) == []
    bench.advance(bench.now_ms + AGAIN_MS)
    assert len(bench.commanded(CancelAll)) == 3
    bench.give(ALL_GONE)
    bench.give(HALT)
    assert bench.told(DESK, EverythingCancelled) == [EverythingCancelled(7)]
    bench.advance(bench.now_ms + 10 * AGAIN_MS)
    assert len(bench.commanded(CancelAll)) == 3


def test_own_orders_and_the_account_are_taken_back_each_until_it_is_over() -> None:
    bench = Bench(cancel_all_on_halt=True).open()
    bench.place()
    bench.give(FAILED)
    bench.give(ALL_GONE)
    bench.advance(bench.now_ms + AGAIN_MS)
    assert (len(bench.commanded(CancelOrders)), len(bench.commanded(CancelAll))) == (2, 1)


def test_the_account_is_taken_back_as_soon_as_there_are_credentials() -> None:
    bench = Bench(cancel_all_on_halt=True)
    bench.start()
    bench.give(FAILED)
    assert bench.commanded(CancelAll) == []
    bench.give(READY)
    assert len(bench.commanded(CancelAll)) == 1


def test_otherwise_the_desk_need_not_wait_for_the_account(bench: Bench) -> None:
    bench.give(FAILED)
    bench.give(HALT)
    assert bench.told(DESK, EverythingCancelled) == [EverythingCancelled(7)]
    assert bench.commanded(CancelAll) == []


LOST = JournalFailed(EXECUTOR, "the record of live order_1 cannot be read", are_rows_lost=True)


@pytest.mark.parametrize(
    ("policy", "is_wide"), [("halt", True), ("cancel", True), ("leave", False)]
)
def test_an_executor_that_cannot_name_its_orders_takes_the_account_back_unless_others_are_left(
    policy: str, is_wide: bool
) -> None:
    bench = Bench(unknown_orders=policy).begin()
    bench.give(LOST)
    assert bool(bench.commanded(CancelAll)) is is_wide


def test_another_actors_lost_rows_concern_no_other_order_of_the_account() -> None:
    bench = Bench().open()
    bench.give(replace(LOST, role="position"))
    assert bench.commanded(CancelAll) == []


# Orders that were set aside


def set_aside(venue_order_id: str) -> TakenBack:
    report = OrderReport(order_id=ORDER_ID, status=OrderStatus.UNKNOWN, reason="damaged")
    return TakenBack(
        report=report, keep_until_ms=T0 + 10**9, is_set_aside=True, venue_order_id=venue_order_id
    )


def started_with(note: TakenBack, **execution: Any) -> Bench:
    bench = Bench(**execution)
    bench.start(note)
    bench.give(MarketOpened(market=MARKET, strike=None))
    bench.give(READY)
    bench.listen()
    return bench


def test_an_order_set_aside_is_taken_back_at_once_and_wherever_a_reading_finds_it() -> None:
    bench = started_with(set_aside(VENUE_ID), unknown_orders="leave")
    assert [cancel.venue_order_ids for cancel in bench.commanded(CancelOrders)] == [(VENUE_ID,)]
    bench.cancelled(refused={VENUE_ID: "the order is delayed"})
    bench.read(wire_order())
    assert [cancel.venue_order_ids for cancel in bench.commanded(CancelOrders)] == [(VENUE_ID,)] * 2
    bench.give(FAILED)
    assert bench.commanded(CancelOrders)[-1].venue_order_ids == (VENUE_ID,)


def test_an_order_set_aside_is_never_carried_out_again() -> None:
    bench = started_with(set_aside(VENUE_ID))
    bench.submit()
    bench.read_until(T0)
    bench.submit()
    assert bench.commanded(SignOrder) == []


def test_while_the_id_of_one_is_not_known_every_unknown_order_halts_even_if_others_are_left() -> (
    None
):
    bench = started_with(set_aside(""), unknown_orders="leave")
    bench.read(wire_order())
    assert (
        "orders rest at the venue that are not this system's"
        in bench.told(DESK, HaltTrading)[-1].reason
    )
    assert bench.commanded(CancelOrders) == []
