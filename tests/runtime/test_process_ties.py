from __future__ import annotations

import os
import subprocess
import sys

import pytest

from actors.runtime.process_ties import end_with_parent

NOTHING = [sys.executable, "-S", "-c", ""]


@pytest.mark.skipif(sys.platform != "linux", reason="nothing is tied elsewhere")
def test_what_was_started_by_a_process_that_is_gone_already_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "getpid", lambda: -1)  # nobody has it
    tie = end_with_parent()
    monkeypatch.undo()
    assert subprocess.run(NOTHING, preexec_fn=tie, check=False).returncode == 1
    assert subprocess.run(NOTHING, preexec_fn=end_with_parent(), check=False).returncode == 0
