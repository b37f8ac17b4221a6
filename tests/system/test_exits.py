"""What actors in real processes hear of each other: every word in order, and every exit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import many_exits
import many_words
import pytest

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]


def said_by(program: ModuleType, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(program.__file__), str(directory)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_child_of_many_that_die_at_once_is_reported(tmp_path: Path) -> None:
    done = said_by(many_exits, tmp_path)
    assert done.stdout.split() == [str(many_exits.CHILDREN)] * 6, done.stderr


def test_thousands_of_words_from_one_handler_all_arrive_in_their_order(tmp_path: Path) -> None:
    done = said_by(many_words, tmp_path)
    assert done.stdout == "heard True echoed True", done.stderr
