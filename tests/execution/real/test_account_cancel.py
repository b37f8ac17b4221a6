"""``cancel_all_on_halt``: the whole account's orders, taken back until the venue says so."""

from __future__ import annotations

from typing import Any

import pytest
from order_builders import T0
from real_bench import READY, VENUE_ID, Bench, wire_order

from actors.execution.real.messages import (
    CancelAll,
    CancelAnswered,
    CancelFailed,
    CancelOrders,
    OpenClient,
    PostOrder,
    SignOrder,
)
from actors.messages.execution import OrderCancelled
from actors.messages.halts import CancelEverything, EverythingCancelled
from actors.roles import DESK

HALT = CancelEverything("escalation", T0)
LATER = CancelEverything("lunch", T0 + 1)
FOREIGN = "0x" + "ff" * 32


@pytest.fixture
def bench() -> Bench:
    return Bench(cancel_all_on_halt=True).open()


def all_cancelled(*left: str) -> CancelAnswered:
    reasons = tuple((each, "the order is delayed") for each in left)
    return CancelAnswered(venue_order_ids=(), canceled=(FOREIGN,), not_canceled=reasons)


def failed(**more: Any) -> CancelFailed:
    return CancelFailed(venue_order_ids=(), reason="no answer", **more)


def sweeps(bench: Bench) -> int:
    return len(bench.commanded(CancelAll))


def answers(bench: Bench) -> list[int]:
    return [each.asked_at_ms for each in bench.told(DESK, EverythingCancelled)]


# Told once it is so


def test_the_desk_is_told_when_the_venue_has_confirmed_and_not_before(bench: Bench) -> None:
    bench.give(HALT)
    assert (sweeps(bench), answers(bench)) == (1, [])
    bench.give(all_cancelled())
    assert answers(bench) == [T0]


def test_without_the_setting_it_is_told_at_once() -> None:
    bench = Bench().open()
    bench.place()
    bench.give(HALT)
    assert (sweeps(bench), answers(bench)) == (0, [T0])
    assert bench.commanded(CancelOrders)


def test_the_same_halt_said_again_cancels_once_and_is_answered_each_time(bench: Bench) -> None:
    bench.give(HALT)
    bench.give(HALT)
    bench.give(all_cancelled())
    bench.give(HALT)
    assert (sweeps(bench), answers(bench)) == (1, [T0, T0])


def test_the_same_halt_said_again_leaves_later_orders_alone(bench: Bench) -> None:
    bench.give(HALT)
    bench.give(all_cancelled())
    bench.place()
    bench.give(HALT)
    assert bench.posts
    assert bench.commanded(CancelOrders) == []


def test_a_new_halt_cancels_anew_after_the_cancel_that_is_under_way(bench: Bench) -> None:
    bench.give(HALT)
    bench.give(LATER)
    assert sweeps(bench) == 1
    bench.give(all_cancelled())
    assert (sweeps(bench), answers(bench)) == (2, [HALT.asked_at_ms])
    bench.give(all_cancelled())
    assert answers(bench) == [HALT.asked_at_ms, LATER.asked_at_ms]


# Not lost


def test_without_credentials_it_waits_for_them() -> None:
    bench = Bench(cancel_all_on_halt=True)
    bench.start()
    bench.give(HALT)
    assert sweeps(bench) == 0
    bench.give(READY)
    assert sweeps(bench) == 1


def test_a_cancel_that_failed_is_said_again_after_a_pause(bench: Bench) -> None:
    bench.give(HALT)
    bench.give(failed())
    bench.read_until(bench.now_ms + 900)
    assert sweeps(bench) == 1
    bench.read_until(bench.now_ms + 200)
    assert sweeps(bench) == 2
    bench.give(all_cancelled())
    assert answers(bench) == [T0]


def test_it_is_said_again_on_time_although_nothing_else_happens() -> None:
    bench = Bench(cancel_all_on_halt=True)
    bench.start()
    bench.give(READY)
    bench.give(HALT)
    bench.give(failed())
    bench.advance(bench.now_ms + 1_000)
    assert sweeps(bench) == 2


@pytest.mark.parametrize("refused", [HALT, LATER], ids=["the same halt", "another"])
def test_a_rate_limit_is_obeyed_whoever_asks(bench: Bench, refused: CancelEverything) -> None:
    bench.give(HALT)
    bench.give(failed(retry_after_ms=4_000))
    bench.give(refused)
    bench.read_until(bench.now_ms + 3_900)
    assert sweeps(bench) == 1
    bench.read_until(bench.now_ms + 200)
    assert sweeps(bench) == 2


def test_a_rate_limit_of_other_cancels_holds_for_it_too(bench: Bench) -> None:
    bench.place()
    bench.cancel()
    bench.give(
        CancelFailed(venue_order_ids=(VENUE_ID,), reason="too many requests", retry_after_ms=2_000)
    )
    bench.give(HALT)
    assert sweeps(bench) == 0
    bench.read_until(bench.now_ms + 2_100)
    assert sweeps(bench) == 1


def test_credentials_that_are_refused_are_waited_for_anew(bench: Bench) -> None:
    bench.give(HALT)
    bench.give(failed(is_unauthorized=True))
    assert bench.commanded(OpenClient)
    bench.advance(bench.now_ms + 2_000)
    assert sweeps(bench) == 1
    bench.give(READY)
    assert sweeps(bench) == 2


def test_orders_that_the_venue_left_are_asked_for_again(bench: Bench) -> None:
    bench.give(HALT)
    bench.give(all_cancelled("0xstays"))
    assert answers(bench) == []
    assert "0xstays: the order is delayed" in bench.logs[-1].text
    bench.read_until(bench.now_ms + 2_100)
    bench.give(all_cancelled())
    assert (sweeps(bench), answers(bench)) == (2, [T0])


def test_a_new_executor_is_asked_again_and_cancels_again(bench: Bench) -> None:
    bench.give(HALT)
    bench.restart()
    assert sweeps(bench) == 0
    bench.give(HALT)
    assert sweeps(bench) == 1


# The system's own orders


def test_own_orders_in_the_answer_are_taken_back(bench: Bench) -> None:
    bench.place()
    bench.give(HALT)
    bench.give(CancelAnswered(venue_order_ids=(), canceled=(VENUE_ID,), not_canceled=()))
    bench.hear(wire_order("CANCELED", 0, type="CANCELLATION"))
    assert [each.reason for each in bench.news(OrderCancelled)] == ["escalation"]


def test_an_answer_about_own_orders_says_nothing_of_the_account(bench: Bench) -> None:
    bench.place()
    bench.give(HALT)
    bench.cancelled(VENUE_ID)
    assert answers(bench) == []


def test_nothing_leaves_that_the_cancel_would_take_back(bench: Bench) -> None:
    bench.give(HALT)
    bench.submit(expires_at_ms=T0 + 60_000)
    assert not bench.core.is_serving
    assert bench.commanded(SignOrder) == []
    bench.give(all_cancelled())
    bench.sign()
    assert bench.core.is_serving
    assert bench.commanded(PostOrder)
