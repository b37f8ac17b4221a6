from __future__ import annotations

import json
from pathlib import Path

import pytest
from still_actors import said_by


@pytest.mark.processes
@pytest.mark.parametrize("how", ["stands still", "computes"])
def test_a_process_that_hangs_before_its_first_word_is_ended_and_made_again(
    tmp_path: Path, how: str
) -> None:
    said = json.loads(said_by("hung_start.py", str(tmp_path), how))
    assert said.pop("restarts") >= 1  # on a busy machine the next one may be taken for hung, too
    assert said == {
        "state": "serving",
        "is_another": True,
        "is_hung_left": False,
    }
