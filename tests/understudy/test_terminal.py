"""What is only shown changes nothing where it cannot be shown."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys

import pytest
from rich.console import Console
from scenes import view

from understudy.console import LiveView
from understudy.status import Status

SAY_TWICE = """
from understudy.terminal import only_shown, say
say("one")
with only_shown():
    print("x" * 100_000)
    print("y", flush=True)
say("two")
raise SystemExit(7)
"""


def test_a_pipe_whose_reader_has_left_costs_the_output_and_nothing_else() -> None:
    readable, writable = os.pipe()
    os.close(readable)
    done = subprocess.run(
        [sys.executable, "-c", SAY_TWICE], stdout=writable, stderr=subprocess.PIPE, check=False
    )
    os.close(writable)
    assert done.returncode == 7
    assert done.stderr == b"understudy: one\nunderstudy: two\n"


def test_a_terminal_that_was_closed_costs_the_output_and_nothing_else() -> None:
    ours, theirs = pty.openpty()
    os.close(ours)
    done = subprocess.run(
        [sys.executable, "-c", SAY_TWICE], stdout=theirs, stderr=theirs, check=False
    )
    os.close(theirs)
    assert done.returncode == 7


class Broken(io.StringIO):
    """A terminal that takes some writes and then no more."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def flush(self) -> None:
        raise self.error


STATUS = Status(view=view(), report=None, now_ms=0, speed=1.0)


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), ValueError("closed file")])
def test_a_view_that_cannot_be_drawn_says_so_once_and_ends_nothing(error: Exception) -> None:
    told: list[str] = []
    console = Console(file=Broken(error), force_terminal=True, width=120, height=40)
    with LiveView(is_terminal=True, tell=told.append, console=console) as live:
        for _ in range(3):
            live.show(STATUS)
    assert any(str(error) in line for line in told)
    assert len(told) == len(set(told))
