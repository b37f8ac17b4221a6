"""F52: a child that waits for the disk, or could not be heard, is not taken for hung."""

from __future__ import annotations

import pytest
from supervised_stage import LIMITS, SupervisedActors, kills

from actors.supervision.patience import DISK_LIMIT_MS, Waits

HALF_S = 500


def pid_of(supervised: SupervisedActors, role: str) -> int:
    row = supervised.row(role)
    assert row is not None
    return row.pid


def let_pass(
    supervised: SupervisedActors,
    span_ms: int,
    *,
    waiting: str = "",
    began_ms: int = 0,
    starving: str = "",
    starved_ms: int = HALF_S,
) -> list[int]:
    """Tick twice a second, with one child that waits for disk or processor; who is killed."""
    killed: list[int] = []
    for _ in range(span_ms // HALF_S):
        supervised.now_ms += HALF_S
        wait_ms = supervised.now_ms - began_ms
        disk_ms = {pid_of(supervised, waiting): wait_ms} if waiting else {}
        processor_ms = {pid_of(supervised, starving): starved_ms} if starving else {}
        waits = Waits(disk_ms=disk_ms, processor_ms=processor_ms)
        killed += kills(supervised.follow(supervised.core.tick(supervised.now_ms, waits)))
    return killed


def test_a_child_that_waits_for_the_disk_is_not_killed_and_any_other_silent_one_is() -> None:
    supervised = SupervisedActors("executor", "desk")
    desk, executor = pid_of(supervised, "desk"), pid_of(supervised, "executor")
    killed = let_pass(supervised, LIMITS.heartbeat_limit_ms + 1_000, waiting="desk")
    assert desk not in killed
    assert executor in killed
    assert supervised.escalation == ""


def test_after_the_wait_it_has_as_long_to_answer_as_ever() -> None:
    supervised = SupervisedActors("desk")
    desk = pid_of(supervised, "desk")
    assert desk not in let_pass(supervised, 8_000, waiting="desk")
    assert desk not in let_pass(supervised, LIMITS.heartbeat_limit_ms)
    assert desk in let_pass(supervised, 1_000)


def test_a_disk_that_takes_no_record_for_too_long_ends_the_run_once_and_kills_nobody() -> None:
    supervised = SupervisedActors("desk")
    desk = pid_of(supervised, "desk")
    killed = let_pass(supervised, DISK_LIMIT_MS, waiting="desk")
    assert supervised.escalation == ""
    killed += let_pass(supervised, 5_000, waiting="desk")
    assert desk not in killed
    assert supervised.escalation == "the disk has completed no record of desk for 11 s"
    assert supervised.core.report(0, 0).has_no_journal


def test_a_silence_counts_half_if_the_child_waited_for_a_processor_half_of_the_time() -> None:
    supervised = SupervisedActors("desk")
    desk, limit_ms, half_ms = pid_of(supervised, "desk"), LIMITS.heartbeat_limit_ms, HALF_S // 2
    let_pass(supervised, HALF_S)
    killed = let_pass(supervised, 2 * limit_ms - 1_000, starving="desk", starved_ms=half_ms)
    assert desk not in killed
    assert desk in let_pass(supervised, 2_000, starving="desk", starved_ms=half_ms)


def test_a_child_that_never_answers_is_killed_however_much_it_waits_for_a_processor() -> None:
    supervised = SupervisedActors("desk")
    desk = pid_of(supervised, "desk")
    assert desk in let_pass(supervised, 4 * LIMITS.heartbeat_limit_ms + 2_000, starving="desk")


@pytest.mark.parametrize("gap_ms", [LIMITS.heartbeat_limit_ms + 1, 60_000])
def test_a_supervisor_that_could_not_run_itself_takes_nobody_for_hung(gap_ms: int) -> None:
    supervised = SupervisedActors("desk")
    let_pass(supervised, HALF_S)
    assert kills(supervised.tick(gap_ms)) == []
    assert (
        let_pass(supervised, LIMITS.heartbeat_limit_ms + HALF_S) != []
    )  # but who stays silent, is
