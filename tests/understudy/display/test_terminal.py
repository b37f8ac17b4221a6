"""What is only shown changes nothing where it cannot be shown."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

SAY_TWICE = """
from understudy.display.terminal import only_shown, say
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


SIGNS = """
from understudy.display.terminal import show_everything
show_everything()
print("café … → ● ✓ ━ 日 \\udcff")
"""


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", b"cafe . > * + - ? ?\n"),
        ("latin-1", b"caf\xe9 . > * + - ? ?\n"),
        ("utf-8", "café … → ● ✓ ━ 日 ?\n".encode()),
    ],
)
def test_what_a_terminal_cannot_write_is_written_as_what_looks_like_it(
    encoding: str, shown: bytes
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SIGNS],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.stdout == shown, done.stderr
