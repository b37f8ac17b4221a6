from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from still_actors import said_by

from actors.runtime.urgency import why_not_allowed


@pytest.mark.processes
def test_an_urgent_child_and_its_successor_run_first_where_allowed_and_others_in_turn(
    tmp_path: Path,
) -> None:
    said = said_by("urgent_start.py", str(tmp_path))
    urgent = os.SCHED_OTHER if why_not_allowed() else os.SCHED_RR
    for policies in json.loads(said):
        assert policies.pop("strategy") == urgent
        assert set(policies.values()) == {os.SCHED_OTHER}
        assert "observer" in policies
