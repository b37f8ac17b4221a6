from __future__ import annotations

import os
from pathlib import Path

from understudy.data_dir.last_run import RUN_NAME, note_begin, note_end, read_run
from understudy.processes.exit_codes import ExitCode


def test_a_run_that_began_has_no_end(tmp_path: Path) -> None:
    assert note_begin(tmp_path) == ""
    run = read_run(tmp_path)
    assert run is not None
    assert (run.pid, run.ended_at_ms, run.exit_code) == (os.getpid(), None, None)


def test_an_end_is_told_with_its_reason(tmp_path: Path) -> None:
    note_begin(tmp_path)
    assert note_end(tmp_path, "SIGTERM", ExitCode.OK) == ""
    run = read_run(tmp_path)
    assert run is not None
    assert run.reason == "SIGTERM"
    assert run.exit_code == 0
    assert run.ended_at_ms is not None
    assert run.ended_at_ms >= run.began_at_ms


def test_the_file_is_its_users_alone(tmp_path: Path) -> None:
    note_begin(tmp_path)
    assert (tmp_path / RUN_NAME).stat().st_mode & 0o777 == 0o600


def test_a_directory_that_takes_no_file_is_told_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / ".run.json.new").mkdir()
    assert "was not written" in note_end(tmp_path, "SIGTERM", ExitCode.OK)


def test_no_run_and_a_torn_record_are_the_same(tmp_path: Path) -> None:
    assert read_run(tmp_path) is None
    for torn in ("", "{", "[]", '{"pid": 3}', "\x00"):
        (tmp_path / RUN_NAME).write_text(torn)
        assert read_run(tmp_path) is None
