"""What falls or hangs in a real process leaves a file that is played to the same end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from still_actors import said_by

from actors.runtime.crash_file import read_report
from understudy import replaying
from understudy.cli import main


@pytest.mark.processes
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("raises", "position, generation 1 raised the same again on OrderFilled: AttributeError"),
        ("hangs", "position, generation 1 hangs again on Started: still at it after 0.5 s"),
    ],
)
def test_a_ledger_that_falls_or_hangs_is_made_again_and_its_end_can_be_had_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, words: str
) -> None:
    said = json.loads(said_by("fallen_ledger.py", str(tmp_path), how))
    assert said["restarts"] >= 1  # on a busy machine the next one may be taken for hung, too
    of_first = "-position-1"
    (file,) = (Path(name) for name in said["files"] if name.endswith(of_first))
    report = read_report(file)
    assert (report.seed, report.is_in_core) == (1, True)
    assert "actors/position/core.py" in report.trace
    assert str(file) in (tmp_path / "understudy.log").read_text()
    monkeypatch.setattr(replaying, "HANG_LIMIT_S", 0.5)
    result = CliRunner().invoke(main, ["replay", str(file)])
    assert result.exit_code == 0, result.output
    assert words in result.output
