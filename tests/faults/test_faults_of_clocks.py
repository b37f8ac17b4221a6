"""F51: venue time is corrected, in either direction, at every step of an order's life."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from desk_stage import Desk, refusals, starts
from order_builders import ORDER_ID, T0, book, dice, intent, signals, snapshot, timers
from real_bench import VENUE_ID, Bench, wire_order, wire_trade
from simulated_stage import Bench as PaperBench

from actors.execution.real.messages import CancelOrders, SignOrder
from actors.execution.simulated import LONGEST_PHASE_MS
from actors.feeds.connection import FeedConnection, Rhythm
from actors.market.publisher import ANSWER_WAIT_MS, ConflatingPublisher
from actors.messages.execution import OrderStatus, SubmitOrder
from actors.messages.lifecycle import TimerFired
from actors.roles import STRATEGY
from actors.units import shares

CORRECTIONS = [-30_000, -8_000, -1_000, 1_000, 8_000, 30_000]
LONG = {"expires_at_ms": T0 + 300_000}


@pytest.mark.parametrize("by_ms", CORRECTIONS)
@pytest.mark.parametrize("has_fallen", [False, True], ids=["same desk", "after a restart"])
def test_f51_signals_are_taken_right_after_a_correction_and_no_copy_of_the_last_ones(
    by_ms: int, has_fallen: bool
) -> None:
    desk = Desk(max_open_orders=10).ready()
    first = signals(signals_id=900)
    (order,) = desk.accept(signals_id=900)
    desk.end(order)
    now_ms = T0 + by_ms
    if has_fallen:
        desk.restart(now_ms)
        desk.ready()
    copied = refusals(desk.feed(first, now_ms))
    assert "carried out already" in copied[0]
    (again,) = desk.accept(at_ms=now_ms + 500, signals_id=901)
    assert again.order_id != order.order_id


def test_f51_signals_of_another_strategy_are_taken_after_the_clock_was_set_back() -> None:
    desk = Desk(max_open_orders=10).ready()
    (order,) = desk.accept(signals_id=1 << 40)
    desk.end(order)
    assert desk.accept(at_ms=T0 - 30_000, signals_id=5)


def test_f51_signals_from_before_the_clock_was_set_back_are_refused() -> None:
    desk = Desk().ready()
    assert "ahead" in refusals(desk.feed(signals(at_ms=T0), T0 - 30_000))[0]


STEPS: list[Callable[[Bench], None]] = [
    lambda bench: bench.sign(),
    lambda bench: bench.answer("delayed"),
    lambda bench: bench.hear(wire_order("LIVE", type="PLACEMENT")),
    lambda bench: bench.hear(wire_order("LIVE", 4), wire_trade("t1", 4)),
    lambda bench: bench.cancel(),
    lambda bench: bench.cancelled(VENUE_ID),
    lambda bench: bench.hear(wire_order("CANCELED", 4, type="CANCELLATION")),
]
"""An order's life, in which it trades 4 of 10 and is taken back."""


@pytest.mark.parametrize("by_ms", CORRECTIONS)
@pytest.mark.parametrize("at", range(len(STEPS) + 1))
@pytest.mark.parametrize("has_fallen", [False, True], ids=["same process", "after a restart"])
def test_f51_a_real_order_ends_as_it_would_have_wherever_the_clock_is_corrected(
    at: int, by_ms: int, has_fallen: bool
) -> None:
    bench = Bench().open()
    bench.submit(**LONG)
    for step in STEPS[:at]:
        step(bench)
    bench.correct_clock(by_ms)
    if has_fallen and at:  # what was not signed ends with its process, at any time
        bench.restart()
    for step in STEPS[at:]:
        step(bench)
    assert (bench.status, bench.live.traded_units) == (OrderStatus.CANCELLED, shares(4))
    assert len(bench.posts) <= 1
    assert bench.report().status is OrderStatus.CANCELLED


@pytest.mark.parametrize("by_ms", CORRECTIONS)
def test_f51_a_gone_order_is_missed_and_read_as_soon_as_without_a_correction(by_ms: int) -> None:
    bench = Bench().open()
    bench.place("delayed", **LONG)
    bench.read_until(T0 + 2_000)
    bench.correct_clock(by_ms)
    bench.read_until(bench.now_ms + 10_000)
    assert bench.status is OrderStatus.CANCELLED


@pytest.mark.parametrize("by_ms", CORRECTIONS)
def test_f51_a_cancel_that_is_to_be_said_again_is_said_as_soon(by_ms: int) -> None:
    bench = Bench().open()
    bench.place(**LONG)
    bench.cancel()
    bench.cancelled(refused={VENUE_ID: "no"})
    bench.forget()
    bench.correct_clock(by_ms)
    bench.read_until(bench.now_ms + 3_000, wire_order("LIVE"))
    assert len(bench.commanded(CancelOrders)) == 1


def test_f51_the_real_executor_s_answer_to_what_came_too_late_stays() -> None:
    bench = Bench().open()
    bench.submit(expires_at_ms=T0)
    for by_ms in (-30_000, 25_000, -25_000):
        bench.correct_clock(by_ms)
        bench.submit(expires_at_ms=T0)
    assert {each.status for each in bench.reports} == {OrderStatus.CANCELLED}
    assert bench.commanded(SignOrder) == []


def test_f51_the_simulated_executor_s_answer_to_what_came_too_late_stays() -> None:
    bench = PaperBench()
    bench.feed(SubmitOrder(intent(expires_at_ms=T0)), T0)
    for now_ms in (T0 - 30_000, T0 - 5_000):
        bench.feed(SubmitOrder(intent(expires_at_ms=T0)), now_ms)
        assert bench.report(now_ms).status is OrderStatus.CANCELLED


@pytest.mark.parametrize("by_ms", CORRECTIONS)
@pytest.mark.parametrize("has_fallen", [False, True], ids=["same process", "after a restart"])
@pytest.mark.parametrize("at", range(3))
def test_f51_a_paper_order_trades_as_soon_wherever_the_clock_is_corrected(
    at: int, by_ms: int, has_fallen: bool
) -> None:
    bench = PaperBench(max_book_age_ms=120_000)
    bench.see(book(asks={440: 4}))
    bench.submit(expires_at_ms=T0 + 300_000)
    waits_ms, now_ms = (150, 200, 300), T0
    for step, wait_ms in enumerate(waits_ms):
        if step == at:
            now_ms += by_ms
            if has_fallen:
                bench.restart(now_ms)
                due = timers(bench.started)[ORDER_ID]
                assert due <= LONGEST_PHASE_MS
                now_ms += max(0, due - wait_ms)
            bench.see(book(asks={440: 4}, at_ms=now_ms), now_ms)
        now_ms += wait_ms
        bench.wake(now_ms)
    assert sum(each.size_units for each in bench.report(now_ms).fills) == shares(4)


def test_f51_a_snapshot_from_after_the_clock_was_set_back_fills_what_rests() -> None:
    bench = PaperBench()
    bench.see(book(asks={500: 9}))
    bench.submit(expires_at_ms=T0 + 300_000)
    bench.wake(T0 + 150)
    bench.feed(snapshot(book(asks={440: 20}, at_ms=T0), at_ms=T0 - 29_000), T0 - 29_000)
    assert bench.report(T0 - 29_000).status is OrderStatus.FILLED


@pytest.mark.parametrize("by_ms", CORRECTIONS)
def test_f51_what_was_said_and_lost_is_said_again_as_soon(by_ms: int) -> None:
    desk = Desk().ready()
    (order,) = desk.accept()
    now_ms = T0 + by_ms
    silent = [desk.feed(TimerFired("round"), now_ms + after_ms) for after_ms in (500, 2_500)]
    assert f"order/{order.order_id}" in [role for effects in silent for role in starts(effects)]


def test_f51_silence_is_noticed_as_soon_although_the_clock_was_set_back() -> None:
    connection = FeedConnection("ws://127.0.0.1:1", Rhythm(stale_after_ms=5_000), dice())
    connection.start()
    connection.connected((), T0)
    connection.data_seen(T0)
    connection.clock_set_back(30_000)
    assert connection.silence_ms(T0 - 30_000 + 4_000) == 4_000
    assert connection.is_stale(T0 - 30_000 + 5_000)


def test_f51_a_lost_snapshot_is_made_up_for_as_soon_although_the_clock_was_set_back() -> None:
    publisher = ConflatingPublisher(STRATEGY)
    publisher.note(1)
    publisher.send(1, T0)
    publisher.clock_set_back(30_000)
    publisher.give_up_lost(T0 - 30_000 + ANSWER_WAIT_MS)
    assert publisher.may_send
