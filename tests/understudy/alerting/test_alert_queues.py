from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from understudy.alerting.notices import Notice
from understudy.alerting.queues import (
    GAP_MS,
    RETRY_FIRST_MS,
    RETRY_MAX_MS,
    SHOWN_MAX,
    WAITING_MAX,
    AlertQueues,
)

AT_MS = 1_795_000_000_000


def notice(number: int = 1) -> Notice:
    return Notice(kind="halt", text=f"alert {number}", at_ms=AT_MS + number)


def test_one_alert_is_a_message_of_one_line() -> None:
    queues = AlertQueues(["mailto-1"])
    queues.put([notice()])
    message, told = queues.message("mailto-1", "host:demo")
    assert message.title == "understudy host:demo"
    assert message.body == "2026-11-18 11:06:40 UTC  alert 1\n"
    assert told == (notice(),)


def test_nothing_waits_for_nobody() -> None:
    queues = AlertQueues(["a", "b"])
    assert queues.due(AT_MS) == []
    queues.put([])
    assert queues.due(AT_MS) == []


def test_what_comes_soon_after_a_message_waits_and_goes_together() -> None:
    queues = AlertQueues(["a"])
    queues.put([notice(1)])
    queues.delivered("a", queues.message("a", "s")[1], AT_MS)
    queues.put([notice(2)])
    queues.put([notice(3)])
    assert queues.due(AT_MS + GAP_MS - 1) == []
    assert queues.due(AT_MS + GAP_MS) == ["a"]
    message, told = queues.message("a", "s")
    assert told == (notice(2), notice(3))
    assert message.title.endswith("2 alerts")


def test_a_target_that_fails_is_tried_less_and_less_often_and_told_since_when() -> None:
    queues, now_ms, delays = AlertQueues(["a"]), AT_MS, []
    queues.put([notice()])
    for _ in range(12):
        queues.failed("a", now_ms)
        due_ms = queues.by_target["a"].due_ms
        assert queues.due(due_ms - 1) == []
        delays.append(due_ms - now_ms)
        now_ms = due_ms
    assert delays[0] == RETRY_FIRST_MS
    assert delays == sorted(delays)
    assert delays[-1] == RETRY_MAX_MS
    message, told = queues.message("a", "s")
    assert message.body.startswith("held back since 2026-11-18 11:06:40 UTC")
    queues.delivered("a", told, now_ms)
    assert queues.by_target["a"].attempts == 0
    assert queues.by_target["a"].failing_since_ms is None


def test_a_target_that_fails_holds_up_no_other() -> None:
    queues = AlertQueues(["a", "b"])
    queues.put([notice()])
    queues.failed("a", AT_MS)
    assert queues.due(AT_MS) == ["b"]


def test_a_flood_is_bounded_and_says_how_much_is_not_shown() -> None:
    queues = AlertQueues(["a"])
    queues.put(notice(number) for number in range(1_000))
    message, told = queues.message("a", "s")
    assert len(told) == WAITING_MAX
    assert message.title.endswith("1000 alerts")
    assert f"{1_000 - SHOWN_MAX} older alerts are not shown" in message.body
    assert message.body.count("\n") == SHOWN_MAX + 1
    assert message.body.rstrip().endswith("alert 999")


def test_what_comes_while_a_message_is_under_way_is_not_lost_with_it() -> None:
    queues = AlertQueues(["a"])
    queues.put(notice(number) for number in range(WAITING_MAX))
    _, told = queues.message("a", "s")
    late = [notice(number) for number in range(WAITING_MAX, WAITING_MAX + 10)]
    queues.put(late)
    queues.delivered("a", told, AT_MS)
    assert queues.by_target["a"].waiting == tuple(late)
    assert queues.by_target["a"].left_out_count == 0


def test_at_the_end_everything_may_go_at_once_but_what_fails_only_if_asked() -> None:
    queues = AlertQueues(["fails", "waits"])
    queues.put([notice()])
    queues.failed("fails", AT_MS)
    queues.delivered("waits", queues.message("waits", "s")[1], AT_MS)
    queues.put([notice(2)])
    assert queues.due(AT_MS) == []
    queues.hurry(also_failing=False)
    assert queues.due(AT_MS) == ["waits"]
    queues.hurry(also_failing=True)
    assert queues.due(AT_MS) == ["fails", "waits"]


def test_what_was_kept_waits_on() -> None:
    before = AlertQueues(["a"])
    before.put([notice()])
    after = AlertQueues(["a", "new"], before.by_target)
    assert after.due(AT_MS) == ["a"]


class Deliveries(RuleBasedStateMachine):
    """Whatever fails in whatever order: all is delivered, left out and counted, or waits."""

    def __init__(self) -> None:
        super().__init__()
        self.queues = AlertQueues(["a"])
        self.put_count = 0
        self.delivered: list[Notice] = []
        self.now_ms = AT_MS
        self.under_way: tuple[Notice, ...] | None = None

    @rule(count=st.integers(0, 90))
    def put(self, count: int) -> None:
        self.queues.put(notice(self.put_count + number) for number in range(count))
        self.put_count += count

    @rule(step_ms=st.integers(0, RETRY_MAX_MS))
    def wait(self, step_ms: int) -> None:
        self.now_ms += step_ms

    @precondition(lambda self: self.under_way is None and self.queues.due(self.now_ms))
    @rule()
    def send(self) -> None:
        self.under_way = self.queues.message("a", "s")[1]

    @precondition(lambda self: self.under_way is not None)
    @rule(is_taken=st.booleans())
    def answer(self, is_taken: bool) -> None:
        assert self.under_way is not None
        if is_taken:
            self.delivered += self.under_way
            self.queues.delivered("a", self.under_way, self.now_ms)
        else:
            self.queues.failed("a", self.now_ms)
        self.under_way = None

    @invariant()
    def the_newest_wait_or_were_delivered_once(self) -> None:
        assert len(set(self.delivered)) == len(self.delivered)
        waiting = self.queues.by_target["a"].waiting
        assert len(waiting) <= WAITING_MAX
        newest = [notice(number) for number in range(max(0, self.put_count - 10), self.put_count)]
        assert set(newest) <= {*waiting, *self.delivered}


TestDeliveries = Deliveries.TestCase
