"""What the doctor finds about who can read a run's data, its memory and its key."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
from doctor_stage import FAIL, KEY, PASS, WARN, subject

from actors.settings import Settings
from understudy.credentials.private_key import FILE_VARIABLE, KEY_VARIABLE
from understudy.doctor.findings import CheckOutcome
from understudy.doctor.host import check_cores, check_key_place, check_privacy


def test_a_private_directory_and_one_that_is_not_there_pass(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert check_privacy(subject(Settings(), tmp_path)).outcome is PASS
    assert check_privacy(subject(Settings(), tmp_path / "none")).outcome is PASS


def test_an_open_directory_is_a_warning_if_a_run_would_close_it_and_is_not_touched(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o755)
    found = check_privacy(subject(Settings(), tmp_path))
    assert (found.outcome, found.advice) == (WARN, f"chmod 700 {tmp_path}")
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    (tmp_path / "thesis.tex").touch()
    assert check_privacy(subject(Settings(), tmp_path)).outcome is FAIL


def test_core_dumps_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, outcome in ((0, PASS), (resource.RLIM_INFINITY, WARN)):
        monkeypatch.setattr(resource, "getrlimit", lambda _which, told=limit: (told, told))
        assert check_cores(subject(Settings(), tmp_path)).outcome is outcome


def test_a_key_in_a_variable_is_a_warning_that_does_not_show_it(tmp_path: Path) -> None:
    moved = f"/proc/{os.getpid()}/fd/3"
    for variables in ({KEY_VARIABLE: KEY}, {FILE_VARIABLE: moved}):
        found = check_key_place(subject(Settings(), tmp_path, variables=variables))
        assert (found.outcome, "mode 0600" in found.advice) == (WARN, True)
        assert KEY not in found.sentence


def test_a_key_file_passes_if_it_is_its_user_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY)
    for mode, outcome in ((0o600, PASS), (0o644, FAIL)):
        path.chmod(mode)
        variables = {FILE_VARIABLE: str(path)}
        found = check_key_place(subject(Settings(), tmp_path, variables=variables))
        assert (found.outcome, KEY in found.sentence) == (outcome, False)


def test_without_a_key_there_is_no_place(tmp_path: Path) -> None:
    found = check_key_place(subject(Settings(), tmp_path, variables={}))
    assert found.outcome is CheckOutcome.SKIPPED
