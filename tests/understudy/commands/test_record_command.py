"""``understudy record`` in real processes: what it leaves behind is whole, also after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actors.roles import RECORDER
from research.recordings import open_recording
from understudy.control import ControlError, NotRunning, ask
from understudy.drill.processes import wait_for
from understudy.processes.isolation import module_command

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]
EVERY_FEED = {"market", "reference", "rtds", "polybolt", "gamma"}


@contextmanager
def recording(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    words = "record --demo --speed 40 --windows 1 --series btc-5m --dir"
    places = [str(tmp_path / "recordings"), "--data-dir", str(tmp_path / "data")]
    running = subprocess.Popen(
        module_command("understudy", *words.split(), *places), stderr=subprocess.PIPE, text=True
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def assert_whole(tmp_path: Path) -> None:
    recordings = [open_recording(path) for path in sorted((tmp_path / "recordings").glob("*.rec"))]
    tails = [each.tail for each in recordings if each.tail is not None]
    assert all(each.survey.damage == () for each in recordings)
    assert any(set(tail.frames) >= EVERY_FEED for tail in tails)
    assert all(tail.winner in ("YES", "NO") for tail in tails)


def recorder_pid(data_dir: Path) -> int:
    """The recorder's process id, once it serves."""

    def served() -> int | None:
        try:
            children = ask(data_dir, "ps")["children"]
        except (NotRunning, ControlError):
            return None
        its = (each for each in children if each["role"] == RECORDER)
        return next((int(each["pid"]) for each in its if each["state"] == "serving"), None)

    pid = wait_for(served, 60, 0.05)
    assert pid is not None, "the recorder does not serve"
    return pid


def has_frames(folder: Path) -> bool:
    """Whether more than a file's head is on the disk: what was never kept leaves no gap."""
    return any(path.stat().st_size > 4_000 for path in folder.glob("*.rec*"))


def test_a_recorder_that_is_killed_goes_on_in_the_same_window_and_the_gap_is_noted(
    tmp_path: Path,
) -> None:
    with recording(tmp_path) as running:
        first = recorder_pid(tmp_path / "data")
        folder = tmp_path / "recordings"
        assert wait_for(lambda: has_frames(folder), 60)
        os.kill(first, signal.SIGKILL)
        _, words = running.communicate()
    assert running.returncode == 0, words
    assert_whole(tmp_path)
    gaps = [gap for path in folder.glob("*.rec") for gap in open_recording(path).gaps]
    assert gaps
