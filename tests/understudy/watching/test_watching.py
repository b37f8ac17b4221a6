from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from chronicle import Chronicle, intent, trade, window
from scenes import MARKET, NOW_MS, POSITION, child, order, report, view
from watched import WALL_MS, WELL, down, observation, running, status

from actors.core import Record, Save
from actors.execution.desk_state import DeskState, Halted
from actors.execution.real.messages import PostRefused
from actors.messages.execution import OrderRejected, OutcomeUnknown
from actors.messages.halts import Halt
from actors.messages.observer import FeedSeen
from actors.messages.position import MS_PER_DAY
from actors.runtime.journal_file import JOURNAL_NAME
from actors.supervision.messages import ChildState
from actors.units import NANOS_PER_DOLLAR
from understudy.control import ControlServer
from understudy.data_dir.last_run import RunRecord, note_begin
from understudy.watching.health import HealthState, health_of
from understudy.watching.limits import limit_uses
from understudy.watching.observation import Lookout

HALT = Halt(who="operator", reason="odd prices", since_ms=NOW_MS, cancels=True)


# Health


def test_a_system_of_which_every_part_works_is_serving() -> None:
    assert health_of(observation()).state is HealthState.SERVING
    assert health_of(observation()).reasons == ()


DEGRADATIONS = {
    "an actor waits": (
        {"report": report(children=(child("directory", state=ChildState.WAITING),))},
        "directory is waiting",
    ),
    "a feed is down": (
        {"view": view(feeds=(FeedSeen(feed="twap-feed", is_up=False, since_ms=0, trouble="401"),))},
        "twap-feed is down: 401",
    ),
    "halted": ({"halts": (HALT,)}, "trading is halted: odd prices (operator)"),
    "no view": ({"view": None}, "the observer has not answered yet"),
    "no report": ({"report": None}, "the supervisor has not answered yet"),
    "escalation": (
        {"report": attrs.evolve(WELL, escalation="the desk crashed too often")},
        "it is ending: the desk crashed too often",
    ),
}


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_a_system_that_runs_but_may_not_trade_is_degraded_and_says_why(name: str) -> None:
    changes, reason = DEGRADATIONS[name]
    health = health_of(observation(status=status(**changes)))
    assert health.state is HealthState.DEGRADED
    assert reason in health.reasons


def test_orders_that_start_are_no_trouble() -> None:
    starting = (child("order/1", state=ChildState.STARTING), child("order/2", pid=0))
    shown = attrs.evolve(WELL, children=(*WELL.children, *starting))
    assert health_of(observation(status=status(report=shown))).state is HealthState.SERVING


def test_a_feed_that_is_down_is_told_once() -> None:
    shown = report(children=(child("twap-feed", state=ChildState.WAITING),))
    feeds = (FeedSeen(feed="twap-feed", is_up=False, since_ms=0, trouble="no route"),)
    health = health_of(observation(status=status(report=shown, view=view(feeds=feeds))))
    assert health.reasons == ("twap-feed is down: no route",)


def test_little_room_and_an_unreadable_journal_degrade() -> None:
    health = health_of(observation(disk_free_bytes=12_000_000, journal_trouble="it is damaged"))
    assert health.reasons == ("it is damaged", "the disk has 12 MB free")


ENDINGS = {
    "never ran": (None, "nothing has run here yet"),
    "fell": (
        RunRecord(pid=1, began_at_ms=0),
        "the newest run is gone without a word: killed, or the machine failed",
    ),
    "ended": (
        RunRecord(pid=1, began_at_ms=0, ended_at_ms=9, reason="SIGTERM", exit_code=0),
        "the newest run has ended: SIGTERM",
    ),
    "gave up": (
        RunRecord(pid=1, began_at_ms=0, ended_at_ms=9, reason="the desk crashed", exit_code=4),
        "the newest run has ended: the desk crashed (exit code 4)",
    ),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_a_system_that_does_not_run_is_down_and_says_how_it_ended(name: str) -> None:
    run, reason = ENDINGS[name]
    health = health_of(down(last_run=run))
    assert (health.state, health.reasons) == (HealthState.DOWN, (reason,))


def test_a_system_that_does_not_answer_is_down() -> None:
    health = health_of(observation(status=None, trouble="it does not answer: timed out"))
    assert (health.state, health.reasons) == (HealthState.DOWN, ("it does not answer: timed out",))


# Limits


def used(**changes: object) -> dict[str, float]:
    desk = DeskState(minute=NOW_MS // 60_000, minute_count=3)
    return {use.limit: use.used for use in limit_uses(status(**changes), desk)}


def test_a_window_costs_what_it_holds_and_what_purchases_under_way_may_cost() -> None:
    shown = view(live_orders=(order(1),))  # 15 of 20 shares at 0.53 are left
    assert used(view=shown)["max_window_dollars"] == pytest.approx(7 + 5 + 15 * 0.53)
    assert used(view=shown)["max_shares"] == 20 + 15
    assert used(view=shown)["max_order_dollars"] == pytest.approx(20 * 0.53)
    assert used(view=shown)["max_open_orders"] == 1
    assert used(view=shown)["max_orders_per_minute"] == 3


def test_the_day_that_counts_is_the_present_one() -> None:
    today = NOW_MS // MS_PER_DAY
    lost = attrs.evolve(POSITION, day=today, day_pnl_nanos=-30 * NANOS_PER_DOLLAR)
    assert used(view=view(position=lost))["max_day_loss_dollars"] == 30
    yesterday = attrs.evolve(lost, day=lost.day - 1)
    assert used(view=view(position=yesterday))["max_day_loss_dollars"] == 0
    won = attrs.evolve(lost, day_pnl_nanos=NANOS_PER_DOLLAR)
    assert used(view=view(position=won))["max_day_loss_dollars"] == 0


def test_without_a_view_only_what_the_desk_recorded_is_told() -> None:
    assert set(used(view=None)) == {"max_day_loss_dollars", "max_orders_per_minute"}


# Looking


def test_a_running_system_is_seen_as_it_says_it_is(tmp_path: Path) -> None:
    shown = status()
    with running(tmp_path, shown):
        seen = Lookout(tmp_path).look()
    # The run holds its lock in this very process, which fcntl cannot see from inside.
    assert seen.status is not None
    assert seen.status.view == shown.view
    assert seen.trouble == ""


def test_a_lock_that_another_process_holds_is_seen(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from understudy.data_dir.ownership import DataDirLock; "
        "lock = DataDirLock(pathlib.Path(sys.argv[1])); print(1, flush=True); sys.stdin.read()"
    )
    lookout = Lookout(tmp_path)
    assert not lookout.look().is_running
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline()
        seen = lookout.look()
        assert holder.stdin is not None
        holder.stdin.close()
    assert seen.is_running
    assert seen.trouble.startswith("no understudy runs on")


def test_an_answer_of_another_version_is_trouble_and_no_crash(tmp_path: Path) -> None:
    server = ControlServer(tmp_path, {"status": lambda _request: {"view": 3}})
    server.start()
    try:
        seen = Lookout(tmp_path).look()
    finally:
        server.close()
    assert seen.status is None
    assert seen.trouble.startswith("another version of the program answers")


def test_an_empty_directory_is_seen_as_one_where_nothing_ran(tmp_path: Path) -> None:
    seen = Lookout(tmp_path).look()
    assert not seen.is_running
    assert seen.desk is None
    assert "there is no journal" in seen.journal_trouble
    assert seen.disk_free_bytes > 0
    assert health_of(seen).reasons == ("nothing has run here yet",)


def test_what_is_recorded_is_counted_once_however_often_one_looks(tmp_path: Path) -> None:
    written = Chronicle(tmp_path)
    first = intent(1)
    written.done(first, trade(first))
    lookout = Lookout(tmp_path)
    assert lookout.look().event_counts["OrderSubmitted"] == 1

    second = intent(2)
    written.done(second, trade(second))
    written.record("executor", Record(OutcomeUnknown("order_2", "no answer")), NOW_MS)
    refused = PostRefused(order_id="order_2", status=425, text="too early")
    written.record("executor", Record(refused), NOW_MS)
    written.record("order/x", Record(OrderRejected("order_2", "no money")), NOW_MS)
    seen = lookout.look()
    again = lookout.look()
    written.close()

    assert seen.event_counts["OrderSubmitted"] == 2
    assert seen.error_counts == {
        ("outcome_unknown", ""): 1,
        ("post_refused", "425"): 1,
        ("order_rejected", ""): 1,
    }
    assert again.event_counts == seen.event_counts
    assert again.error_counts == seen.error_counts
    assert seen.journal_bytes > 0


def test_results_are_seen_once_and_only_new_ones(tmp_path: Path) -> None:
    written = Chronicle(tmp_path)
    written.settle(window(0))
    lookout = Lookout(tmp_path)
    assert lookout.look().settled == ()
    written.settle(window(1))
    (result,) = lookout.look().settled
    written.close()
    assert result.market_id == window(1).market_id
    assert lookout.look().settled == ()


def test_another_journal_in_its_place_is_counted_anew(tmp_path: Path) -> None:
    written = Chronicle(tmp_path)
    for number in (1, 2, 3):
        written.done(intent(number))
    written.close()
    lookout = Lookout(tmp_path)
    assert lookout.look().event_counts["OrderSubmitted"] == 3

    for path in tmp_path.glob(f"{JOURNAL_NAME}*"):
        path.unlink()
    other = Chronicle(tmp_path)
    other.open(window())
    other.close()
    assert "OrderSubmitted" not in lookout.look().event_counts


def test_the_halts_of_a_system_that_is_down_are_seen(tmp_path: Path) -> None:
    written = Chronicle(tmp_path)
    save = Save("desk", "desk", DeskState(halts=(HALT,)))
    written.record("desk", Record(Halted(HALT), (save,)), NOW_MS)
    written.close()
    note_begin(tmp_path)
    assert Lookout(tmp_path).look().halts == (HALT,)


def test_a_file_that_is_no_journal_is_trouble_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / JOURNAL_NAME).write_bytes(b"not a database, and long enough to be one" * 100)
    assert "cannot be used" in Lookout(tmp_path).look().journal_trouble


def test_the_moment_is_real_time(tmp_path: Path) -> None:
    assert Lookout(tmp_path).look().at_ms > WALL_MS
    assert MARKET.closes_at_ms < WALL_MS
