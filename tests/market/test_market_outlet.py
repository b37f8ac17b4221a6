from __future__ import annotations

from actors.market.publisher import ANSWER_WAIT_MS, ConflatingPublisher


def test_nothing_is_due_before_anything_has_changed() -> None:
    assert not ConflatingPublisher("strategy").may_send


def test_what_changes_while_a_snapshot_is_under_way_waits_and_is_merged() -> None:
    publisher = ConflatingPublisher("strategy")
    publisher.note(10)
    assert publisher.may_send
    assert publisher.send(1, now_ms=0) == 10
    for tick_ns in (40, 30, 50):
        publisher.note(tick_ns)
        assert not publisher.may_send
    publisher.taken(1)
    assert publisher.may_send
    assert publisher.send(2, now_ms=5) == 30, "the oldest tick that no snapshot has shown"
    assert publisher.merged_count == 2
    publisher.taken(2)
    assert not publisher.may_send


def test_a_change_without_a_tick_has_none_to_show() -> None:
    publisher = ConflatingPublisher("strategy")
    publisher.note(0)
    assert publisher.send(1, now_ms=0) == 0
    publisher.taken(1)
    publisher.note(0)
    publisher.note(7)
    publisher.note(0)
    assert publisher.send(2, now_ms=0) == 7


def test_an_answer_to_an_earlier_snapshot_frees_nothing() -> None:
    publisher = ConflatingPublisher("strategy")
    publisher.note(1)
    publisher.send(1, now_ms=0)
    publisher.start_over()
    publisher.send(2, now_ms=0)
    publisher.note(2)
    publisher.taken(1)
    assert not publisher.may_send
    publisher.taken(2)
    assert publisher.may_send


def test_a_lost_answer_makes_the_newest_snapshot_due_again() -> None:
    publisher = ConflatingPublisher("strategy")
    publisher.note(1)
    publisher.send(1, now_ms=1_000)
    publisher.give_up_lost(1_000 + ANSWER_WAIT_MS - 1)
    assert not publisher.may_send
    publisher.give_up_lost(1_000 + ANSWER_WAIT_MS)
    assert publisher.may_send


def test_nothing_is_lost_when_nothing_is_under_way() -> None:
    publisher = ConflatingPublisher("strategy")
    publisher.give_up_lost(10**9)
    assert not publisher.may_send
