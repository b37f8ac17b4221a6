"""The commands for crashes: listing them, having one again, and a test of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from called import understudy
from crash_scenes import crash, hang, position_flight

from actors.runtime.crash_file import read_report, write_crash
from actors.runtime.crashes import report_of
from actors.settings import Settings
from understudy import replaying
from understudy.processes.exit_codes import ExitCode

REPOSITORY = Path(__file__).parents[2]
LIMIT_S = 0.3
"""What hangs on purpose computes for so long."""
IMPATIENT = f"""\
from understudy import cli, replaying

replaying.HANG_LIMIT_S = {LIMIT_S}
cli.main(prog_name="understudy")
"""


def test_crashes_are_listed_the_newest_last(tmp_path: Path) -> None:
    older = crash(tmp_path, at="2026-11-28T07:17:01.000000+00:00")
    newer = crash(tmp_path, at="2026-11-28T07:17:02.000000+00:00", role="desk")
    result = understudy("crashes", "--data-dir", tmp_path)
    assert result.exit_code == ExitCode.OK
    assert "AttributeError" in result.output
    told = json.loads(understudy("crashes", "--data-dir", tmp_path, "--json").output)
    assert [each["file"] for each in told["crashes"]] == [str(older), str(newer)]
    assert [each["role"] for each in told["crashes"]] == ["position", "desk"]
    assert told["damaged"] == []


def test_a_directory_without_crashes_says_so(tmp_path: Path) -> None:
    assert understudy("crashes", "--data-dir", tmp_path).output == "nothing has crashed\n"
    result = understudy("crashes", "--data-dir", tmp_path / "none")
    assert result.exit_code == ExitCode.BAD_INPUT


def test_one_damaged_file_does_not_hide_the_others(tmp_path: Path) -> None:
    crash(tmp_path)
    damaged = crash(tmp_path, at="2020-11-28T07:17:01.000000+00:00")
    damaged.write_bytes(b"\xff")
    result = understudy("crashes", "--data-dir", tmp_path, "--json")
    assert len(json.loads(result.output)["crashes"]) == 1
    assert str(damaged) in json.loads(result.output)["damaged"][0]


def test_the_same_exception_again_is_success(tmp_path: Path) -> None:
    result = understudy("replay", crash(tmp_path))
    assert result.exit_code == ExitCode.OK
    assert "position, generation 3 raised the same again on OrderFilled" in result.output
    assert "in take" in result.output


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"error": "KeyError", "text": "'x'"}, "raised another exception: AttributeError"),
        ({"text": "other"}, "raised another exception"),
    ],
)
def test_another_exception_is_a_failure(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    result = understudy("replay", crash(tmp_path, **changes))
    assert result.exit_code == ExitCode.FAILED
    assert words in result.output


def test_addresses_in_memory_make_no_difference(tmp_path: Path) -> None:
    report = read_report(crash(tmp_path, text="<object at 0x7f3a5c0d2e10> is none"))
    other = read_report(crash(tmp_path, text="<object at 0x7fffffff0000> is none"))
    assert report.signature() == other.signature()


def test_a_crash_that_is_mended_is_a_failure_to_crash(tmp_path: Path) -> None:
    flight = position_flight()
    report = report_of(flight, KeyError("x"), Settings(), 1, is_in_core=True)
    result = understudy("replay", write_crash(tmp_path, report, flight))
    assert result.exit_code == ExitCode.FAILED
    assert "handled all of its 1 messages: no KeyError" in result.output


def test_what_failed_outside_of_the_core_is_said(tmp_path: Path) -> None:
    flight = position_flight()
    report = report_of(flight, OSError("no socket"), Settings(), 1, is_in_core=False)
    result = understudy("replay", write_crash(tmp_path, report, flight))
    assert result.exit_code == ExitCode.FAILED
    assert "it was not the core that failed but what it asked for: OSError" in result.output


def test_a_hang_hangs_again_and_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "HANG_LIMIT_S", 0.2)
    result = understudy("replay", hang(tmp_path))
    assert result.exit_code == ExitCode.OK, result.output
    assert "position, generation 3 hangs again on Started" in result.output
    assert "core.py" in result.output


def test_a_file_of_another_version_is_refused_unless_forced(tmp_path: Path) -> None:
    path = crash(tmp_path, version="0.0.9")
    result = understudy("replay", path)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert len(result.output.splitlines()) == 1
    assert "is of version 0.0.9" in result.output
    forced = understudy("replay", path, "--force")
    assert forced.exit_code == ExitCode.OK
    assert "replayed all the same" in forced.output


def test_a_file_that_others_could_write_is_refused_unless_forced(tmp_path: Path) -> None:
    path = crash(tmp_path)
    path.chmod(0o666)
    result = understudy("replay", path)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert "others may write to it" in result.output
    assert understudy("replay", path, "--force").exit_code == ExitCode.OK


@pytest.mark.parametrize("content", [b"", b"no crash\n", b"{}\n", b"\x80\n"])
def test_what_is_no_crash_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    result = understudy("replay", path)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert len(result.output.splitlines()) == 1
    assert str(path) in result.output


@pytest.mark.parametrize(
    ("make", "typed", "shown"),
    [
        (crash, "p message.order_id", "'order_1_aa'"),
        (hang, "p message.saved", "range(0, 1000000000000000)"),
    ],
)
def test_the_debugger_stops_where_it_raised_or_hung(
    tmp_path: Path, make: Callable[[Path], Path], typed: str, shown: str
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", IMPATIENT, "replay", str(make(tmp_path)), "--pdb"],
        cwd=REPOSITORY,
        input=f"{typed}\nq\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == ExitCode.OK, ran.stderr
    assert shown in ran.stdout


@pytest.mark.parametrize("make", [crash, hang])
def test_a_written_test_fails_the_same_way(
    tmp_path: Path, make: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "HANG_LIMIT_S", LIMIT_S)
    path = make(tmp_path)
    test_file = tmp_path / "apart" / "test_it.py"
    test_file.parent.mkdir()
    result = understudy("replay", path, "--test", test_file)
    assert result.exit_code == ExitCode.OK, result.output
    path.unlink()
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test_file)],
        env={
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        cwd=test_file.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout
    expected = "AttributeError" if make is crash else f"HungCore: still at it after {LIMIT_S:g} s"
    assert expected in ran.stdout
    again = understudy("replay", test_file.with_suffix(".crash"), "--test", test_file)
    assert again.exit_code == ExitCode.FAILED
    assert "File exists" in again.output
