from __future__ import annotations

from actors.market.outlet import ANSWER_WAIT_MS, Outlet


def test_nothing_is_due_before_anything_has_changed() -> None:
    assert not Outlet("strategy").may_send


def test_what_changes_while_a_snapshot_is_under_way_waits_and_is_merged() -> None:
    outlet = Outlet("strategy")
    outlet.note(10)
    assert outlet.may_send
    assert outlet.send(1, now_ms=0) == 10
    for tick_ns in (40, 30, 50):
        outlet.note(tick_ns)
        assert not outlet.may_send
    outlet.taken(1)
    assert outlet.may_send
    assert outlet.send(2, now_ms=5) == 30, "the oldest tick that no snapshot has shown"
    assert outlet.merged_count == 2
    outlet.taken(2)
    assert not outlet.may_send


def test_a_change_without_a_tick_has_none_to_show() -> None:
    outlet = Outlet("strategy")
    outlet.note(0)
    assert outlet.send(1, now_ms=0) == 0
    outlet.taken(1)
    outlet.note(0)
    outlet.note(7)
    outlet.note(0)
    assert outlet.send(2, now_ms=0) == 7


def test_an_answer_to_an_earlier_snapshot_frees_nothing() -> None:
    outlet = Outlet("strategy")
    outlet.note(1)
    outlet.send(1, now_ms=0)
    outlet.start_over()
    outlet.send(2, now_ms=0)
    outlet.note(2)
    outlet.taken(1)
    assert not outlet.may_send
    outlet.taken(2)
    assert outlet.may_send


def test_a_lost_answer_makes_the_newest_snapshot_due_again() -> None:
    outlet = Outlet("strategy")
    outlet.note(1)
    outlet.send(1, now_ms=1_000)
    outlet.give_up_lost(1_000 + ANSWER_WAIT_MS - 1)
    assert not outlet.may_send
    outlet.give_up_lost(1_000 + ANSWER_WAIT_MS)
    assert outlet.may_send


def test_nothing_is_lost_when_nothing_is_under_way() -> None:
    outlet = Outlet("strategy")
    outlet.give_up_lost(10**9)
    assert not outlet.may_send
