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
    run, unheard = tmp_path / "run", tmp_path / "unheard"
    run.mkdir(mode=0o700)
    unheard.mkdir(mode=0o700)
    said = said_by("urgent_start.py", str(run), str(unheard))
    *each, (known_count, left_count) = json.loads(said)
    assert known_count > 1, "the admin has at least the supervisor below it"
    assert left_count == 0, "a tree that never answered is ended like any other"
    urgent = os.SCHED_OTHER if why_not_allowed() else os.SCHED_RR
    for policies in each:
        assert policies.pop("strategy") == urgent
        assert set(policies.values()) == {os.SCHED_OTHER}
        assert "observer" in policies
