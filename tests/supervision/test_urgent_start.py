from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from actors.urgency import why_not_allowed

REPOSITORY = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("urgent_start.py")


@pytest.mark.processes
def test_an_urgent_child_and_its_successor_run_first_where_allowed_and_others_in_turn(
    tmp_path: Path,
) -> None:
    ran = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
        timeout=150,
    )
    urgent = os.SCHED_OTHER if why_not_allowed() else os.SCHED_RR
    for policies in json.loads(ran.stdout):
        assert policies.pop("strategy") == urgent
        assert set(policies.values()) == {os.SCHED_OTHER}
        assert "observer" in policies
