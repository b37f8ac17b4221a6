from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("hung_start.py")


@pytest.mark.processes
@pytest.mark.parametrize("how", ["stands still", "computes"])
def test_a_process_that_hangs_before_its_first_word_is_ended_and_made_again(
    tmp_path: Path, how: str
) -> None:
    ran = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path), how],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert json.loads(ran.stdout) == {
        "state": "serving",
        "restarts": 1,
        "is_another": True,
        "is_hung_left": False,
    }
