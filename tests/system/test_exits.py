"""Children that die at the same time are all reported to their parent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import many_exits
import pytest
from onlookers import free_port

pytestmark = pytest.mark.processes


def test_every_child_of_many_that_die_at_once_is_reported() -> None:
    script = str(Path(many_exits.__file__))
    done = subprocess.run(
        [sys.executable, script, str(free_port())],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.stdout.split() == [str(many_exits.CHILDREN)] * 6, done.stderr
