from __future__ import annotations

import pytest

from actors.runtime.timers import Timers


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("actors.runtime.timers.time.monotonic", lambda: now[0])
    return now


def test_timers_are_due_in_their_order_whoever_set_them_first(clock: list[float]) -> None:
    timers = Timers()
    timers.set(("desk", "late"), 3.0)
    timers.set(("strategy", "early"), 1.0)
    timers.set(("desk", "never"), 2.0)
    timers.cancel(("desk", "never"))
    clock[0] += 5
    assert list(timers.due()) == [("strategy", "early"), ("desk", "late")]
    assert list(timers.due()) == []


def test_what_one_timer_leads_to_may_cancel_the_next(clock: list[float]) -> None:
    timers = Timers()
    timers.set(("desk", "a"), 1.0)
    timers.set(("desk", "b"), 1.0)
    clock[0] += 2
    for timer in timers.due():
        assert timer == ("desk", "a")
        timers.cancel(("desk", "b"))


def test_a_timer_that_is_set_again_as_it_fires_waits_for_its_own_time(clock: list[float]) -> None:
    timers = Timers()
    timers.set(("desk", "beat"), 1.0)
    clock[0] += 1
    for timer in timers.due():
        timers.set(timer, 1.0)
    assert list(timers.due()) == []
    clock[0] += 1
    assert list(timers.due()) == [("desk", "beat")]


def test_one_wake_up_is_asked_for_and_an_earlier_one_only_for_an_earlier_timer(
    clock: list[float],
) -> None:
    timers = Timers()
    assert timers.wakeup_to_ask_for() is None
    timers.set(("desk", "late"), 10.0)
    assert timers.wakeup_to_ask_for() == 10.0
    assert timers.wakeup_to_ask_for() is None
    timers.set(("desk", "early"), 1.0)
    assert timers.wakeup_to_ask_for() == 1.0
    clock[0] += 1
    assert list(timers.due()) == [("desk", "early")]
    assert timers.wakeup_to_ask_for() is None, "the later one is under way"


def test_many_short_timers_beside_a_long_one_do_not_pile_up_wake_ups(clock: list[float]) -> None:
    timers = Timers()
    timers.set(("desk", "long"), 1_000.0)
    asked = [timers.wakeup_to_ask_for()]
    for _ in range(100):
        timers.set(("desk", "short"), 1.0)
        asked.append(timers.wakeup_to_ask_for())
        clock[0] += 1
        assert list(timers.due()) == [("desk", "short")]
        asked.append(timers.wakeup_to_ask_for())
    assert [each for each in asked if each is not None] == [1_000.0, *[1.0] * 100]


def test_an_actor_that_is_gone_has_no_timers(clock: list[float]) -> None:
    timers = Timers()
    timers.set(("order/a", "expiry"), 1.0)
    timers.set(("order/b", "expiry"), 1.0)
    timers.clear("order/a")
    clock[0] += 1
    assert list(timers.due()) == [("order/b", "expiry")]
