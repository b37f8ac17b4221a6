"""When the foreground takes a supervisor for hung, and when it gives its tree up."""

from __future__ import annotations

import pytest

from actors.runtime.disk_waits import WAIT_LIMIT_MS
from actors.settings import SupervisionSettings
from understudy.running import tree_watch
from understudy.running.tree_watch import TreeWatch

PID = 4_194_304  # more than a process of this kernel can have
TURN_S = 0.4


class Scene:
    """A watch whose clock, processor and disk are the test's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1_000.0
        self.processor_wait_s = 0.0
        """In each turn."""
        self.disk_wait_ms = 0
        monkeypatch.setattr(tree_watch.time, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(tree_watch, "disk_wait_ms", lambda _pid: self.disk_wait_ms)
        monkeypatch.setattr(
            tree_watch.ProcessorWaits,
            "since_last_ms",
            lambda _waits, pids: {pid: int(1000 * self.processor_wait_s) for pid in pids},
        )
        limits = SupervisionSettings(max_restarts=2, restart_period_s=60.0)
        self.watch = TreeWatch(limits)

    def turns_until_hung(self, most: int = 50, turn_s: float = TURN_S) -> int:
        """Turns of silence after which the supervisor counts as hung; 0 if it never does."""
        for turn in range(1, most + 1):
            self.now_s += turn_s
            if self.watch.is_supervisor_hung(PID):
                return turn
        return 0


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def test_a_supervisor_that_answers_nothing_for_three_seconds_is_hung(scene: Scene) -> None:
    assert scene.turns_until_hung() == 8


def test_an_answer_ends_its_silence(scene: Scene) -> None:
    assert scene.turns_until_hung(most=7) == 0
    scene.watch.supervisor_answered()
    assert scene.turns_until_hung() == 8


def test_a_foreground_that_was_stopped_for_a_minute_does_not_call_the_supervisor_silent(
    scene: Scene,
) -> None:
    assert scene.turns_until_hung(most=2, turn_s=60.0) == 0


def test_waiting_for_a_processor_is_not_silence(scene: Scene) -> None:
    scene.processor_wait_s = TURN_S / 2
    assert scene.turns_until_hung() == 16


def test_waiting_for_the_disk_is_not_silence_until_the_disk_is_given_up(scene: Scene) -> None:
    scene.disk_wait_ms = WAIT_LIMIT_MS - 1
    assert scene.turns_until_hung() == 0
    scene.disk_wait_ms = WAIT_LIMIT_MS
    assert scene.turns_until_hung() == 8


def test_a_tree_is_given_up_when_it_was_built_anew_too_often_in_a_period(scene: Scene) -> None:
    for _ in range(2):
        assert scene.watch.rebuild_refusal() == ""
        scene.watch.note_rebuild()
        scene.now_s += 10
    assert scene.watch.rebuild_refusal() == "more than 2 times in 60 s"
    scene.now_s += 41
    assert scene.watch.rebuild_refusal() == ""


def test_a_new_tree_is_not_blamed_for_the_silence_of_the_one_before(scene: Scene) -> None:
    assert scene.turns_until_hung() == 8
    scene.watch.note_rebuild()
    assert scene.turns_until_hung() == 8
