"""The command begins in a process that imports nothing of a stranger's and shows no secret."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from process_memory import is_in_memory

from understudy.credentials.price_feed import FILE_VARIABLE, PART_VARIABLES, find_credentials
from understudy.credentials.private_key import FILE_VARIABLE as KEY_FILE_VARIABLE
from understudy.credentials.private_key import KEY_VARIABLE, read_private_key
from understudy.entry import _fit_environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")

REPOSITORY = Path(__file__).parents[2]
KEY = "0x" + "c0ffee" * 10 + "c0fe"
PARTS = dict(zip(PART_VARIABLES, ("my-key", 'se"cr\\et=', "pass phräse 🔑"), strict=True))
NAMES = ("attrs", "click", "eth_account", "json", "supervisor", "thespian", "understudy", "venue")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder with modules of the names that we import; each leaves a mark."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in NAMES:
        text = f"open({str(tmp_path / 'stolen')!r}, 'a').write({name + ' '!r})\n"
        (folder / f"{name}.py").write_text(text)
    return folder


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """What pip installs as the command."""
    path = tmp_path / "bin" / "understudy"
    path.parent.mkdir()
    path.write_text("import sys\nfrom understudy.entry import main\nsys.exit(main())\n")
    return path


@pytest.fixture
def served(script: Path, hostile: Path) -> Iterator[Callable[..., int]]:
    """Run a command that stays, in the hostile folder; gives its process id once it serves."""
    started: list[subprocess.Popen[bytes]] = []

    def serve(**variables: str) -> int:
        process = subprocess.Popen(
            [sys.executable, str(script), "venue", "--port", "0"],
            cwd=hostile,
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout is not None
        assert b"http" in process.stdout.readline()
        return process.pid

    yield serve
    for process in started:
        process.kill()
        process.communicate()


def environment_of(pid: int) -> dict[str, str]:
    text = Path(f"/proc/{pid}/environ").read_text()
    return dict(each.split("=", 1) for each in text.split("\0") if each)


def test_nothing_is_imported_from_python_s_path_and_the_terminal_s_encoding_is_heeded(
    served: Callable[..., int], hostile: Path, tmp_path: Path
) -> None:
    (hostile / "understudy.py").unlink()  # this would be the command itself
    given = {"PYTHONPATH": str(hostile), "PYTHONSTARTUP": "x", "PYTHONIOENCODING": "ascii"}
    environment = environment_of(served(**given))
    assert not (tmp_path / "stolen").exists()
    assert not {"PYTHONPATH", "PYTHONSTARTUP"} & environment.keys()
    assert environment["PYTHONIOENCODING"] == "ascii"


def test_nothing_is_imported_from_the_working_directory_files_are_private_and_no_core_is_dumped(
    served: Callable[..., int], tmp_path: Path
) -> None:
    pid = served()
    assert not (tmp_path / "stolen").exists()
    status = Path(f"/proc/{pid}/status").read_text()
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert re.search(r"^Umask:\s+0077$", status, re.MULTILINE)
    assert re.search(r"^Max core file size\s+0\s+0 ", limits, re.MULTILINE)


def test_secrets_in_variables_are_moved_to_where_only_those_look_who_are_told(
    served: Callable[..., int],
) -> None:
    pid = served(**PARTS, **{KEY_VARIABLE: KEY})
    environment = environment_of(pid)
    assert not {KEY_VARIABLE, *PARTS} & environment.keys()
    assert read_private_key(environment).text == KEY
    found = find_credentials(Path("/nowhere"), environment)
    assert attrs.astuple(found.credentials) == tuple(PARTS.values())
    assert KEY[2:] not in Path(f"/proc/{pid}/environ").read_text()
    assert not is_in_memory(pid, KEY[2:].encode())


@pytest.mark.parametrize(
    "variables",
    [
        {KEY_VARIABLE: KEY, KEY_FILE_VARIABLE: "/nowhere"},
        {PART_VARIABLES[0]: "my-key"},
        {**PARTS, FILE_VARIABLE: "/nowhere"},
    ],
)
def test_what_cannot_be_meant_is_left_to_be_refused_by_name(variables: dict[str, str]) -> None:
    assert _fit_environment(variables) == variables


def test_no_program_starts_a_python_that_looks_around() -> None:
    """A way to start one beside the one in isolation.py would be a way to be imported from."""
    starts = re.compile(r"sys\.executable")
    found = {
        str(path.relative_to(REPOSITORY))
        for folder in ("actors", "understudy", "venue", "simulation")
        for path in (REPOSITORY / folder).rglob("*.py")
        if starts.search(path.read_text())
    }
    assert found == {
        "understudy/processes/isolation.py",
        "understudy/entry.py",  # itself, isolated
        "understudy/commands/service.py",  # names it to systemd, which is given the same flags
    }
