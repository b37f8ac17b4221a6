from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from called import understudy
from click.testing import CliRunner
from scenes import child, report

from actors.messages.halts import Halt
from actors.settings import Settings
from actors.supervision.messages import ChildState
from understudy.cli import SECTIONS, main
from understudy.control import ControlServer
from understudy.display.status import ps_reply
from understudy.processes.exit_codes import ExitCode
from understudy.settings.keys import KEYS
from understudy.settings.options import DEMO_SEED, RunOptions

REPOSITORY = Path(__file__).parents[3]
COMMANDS = [lazy for section in SECTIONS.values() for lazy in section]


def understudy_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as its own process, on a path without a terminal."""
    return subprocess.run(
        [sys.executable, "-c", "from understudy.cli import main; main()", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )


class Foreground:
    """Stands in for the process tree: keeps what it was asked to run."""

    def __init__(self) -> None:
        self.options: list[RunOptions] = []
        self.code = ExitCode.OK

    def run(self, options: RunOptions) -> int:
        assert options.data_dir.is_dir()
        self.options.append(options)
        return self.code


@pytest.fixture
def foreground(monkeypatch) -> Foreground:
    fake = Foreground()
    monkeypatch.setattr("understudy.running.foreground.run", fake.run)
    return fake


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Path]:
    """The data directory of a system that answers "ps"."""
    children = (
        child("strategy", restarts=2),
        child("market-feed", state=ChildState.BACKING_OFF, pid=0, handled_count=0),
    )
    running = report(children=children, restarts={"strategy": 2})
    server = ControlServer(tmp_path, {"ps": lambda _request: ps_reply(running)})
    server.start()
    yield tmp_path
    server.close()


# The group


def test_help_lists_every_command_and_loads_none() -> None:
    code = (
        "import sys\nfrom understudy.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "loaded = [m for m in ('rich', 'thespian', 'cattrs', 'understudy.commands') "
        "if m in sys.modules]\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert len({lazy.name for lazy in COMMANDS}) == len(COMMANDS)
    for lazy in COMMANDS:
        assert f"  {lazy.name} " in done.stdout
        assert lazy.summary in done.stdout


def every_command(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command of the program with its words, the groups among them."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from every_command(below, (*path, name))


@pytest.mark.parametrize("path", [path for path, _ in every_command(main)], ids=" ".join)
def test_every_help_page_has_usage_and_examples_that_stay_on_their_line_at_80_columns(path) -> None:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(main, [*path, "--help"])
    lines, words = result.output.splitlines(), " ".join(path)

    assert result.exit_code == 0
    assert lines[0].startswith(f"Usage: main {words}".rstrip())
    assert f"  understudy {words}".rstrip() in result.output
    (header,) = [number for number, line in enumerate(lines) if line.strip() == "Examples:"]
    margin = lines[header].index("E") + 2
    examples = [line for line in lines[header + 1 :] if line[: margin + 1].strip()]
    assert examples
    for line in examples:
        assert "understudy" in line
        assert len(line) <= 80


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["explian"], "Did you mean 'explain'?"),
        (["position"], "Did you mean 'positions'?"),
        (["config", "chek"], "Did you mean 'check'?"),
        (["dance"], "'dance'"),
    ],
)
def test_a_mistyped_command_brings_the_nearest_to_mind(arguments: list[str], hint: str) -> None:
    result = understudy(*arguments)

    assert result.exit_code == ExitCode.BAD_INPUT
    assert hint in result.output


# run


def test_a_demo_has_its_own_defaults(foreground) -> None:
    result = understudy("run", "--demo")

    assert result.exit_code == 0, result.output
    (options,) = foreground.options
    assert options.is_demo
    assert (options.windows, options.speed, options.seed) == (2, 20.0, DEMO_SEED)
    assert options.settings == Settings()
    assert not options.is_terminal


def test_a_demos_temporary_directory_is_removed(foreground) -> None:
    understudy("run", "--demo")

    assert not foreground.options[0].data_dir.exists()


def test_a_failed_demos_directory_is_kept_and_named(foreground) -> None:
    foreground.code = ExitCode.GAVE_UP

    result = understudy("run", "--demo")

    kept = foreground.options[0].data_dir
    assert result.exit_code == ExitCode.GAVE_UP
    assert f"kept in {kept}" in result.stderr
    kept.rmdir()


def test_a_named_directory_is_made_for_this_user_alone_and_stays(foreground, tmp_path) -> None:
    understudy("run", "--demo", "--data-dir", str(tmp_path / "a" / "b"))

    (options,) = foreground.options
    assert options.data_dir == tmp_path / "a" / "b"
    assert options.data_dir.stat().st_mode & 0o777 == 0o700


def test_without_a_demo_it_runs_in_real_time_until_stopped(
    foreground, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    understudy("run")
    understudy("run")

    first, second = foreground.options
    assert not first.is_demo
    assert (first.windows, first.speed) == (0, 1.0)
    assert first.data_dir == tmp_path / ".understudy"
    assert first.seed != second.seed


def test_options_and_settings_reach_the_run(foreground, tmp_path) -> None:
    config = tmp_path / "my.toml"
    config.write_text("[series]\nwindow_minutes = 5\n")

    result = understudy(
        *("run", "--demo", "--windows", "3", "--speed", "5", "--seed", "77", "--json"),
        *("--config", str(config), "--set", "strategy.max_shares=9"),
    )

    assert result.exit_code == 0, result.output
    (options,) = foreground.options
    assert (options.windows, options.speed, options.seed) == (3, 5.0, 77)
    assert options.is_json
    assert options.settings.series.window_minutes == 5
    assert options.settings.strategy.max_shares == 9


BAD_INPUTS = {
    "speed without a demo": (["run", "--speed", "2"], "the real venue keeps real time"),
    "no speed": (["run", "--demo", "--speed", "0"], "--speed"),
    "negative windows": (["run", "--windows", "-1"], "--windows"),
    "no such file": (["run", "--config", "absent.toml"], "absent.toml cannot be read"),
    "wrong value": (["run", "--set", "series.asset=gold"], "series.asset"),
    "directory is a file": (["run", "--data-dir", __file__], "cannot be used"),
    "directory below a file": (["run", "--data-dir", f"{__file__}/x"], "cannot be used"),
    "wrong value shown": (["config", "show", "--set", "a.b=1"], "unknown section [a]"),
    "no such file checked": (["config", "check", "absent.toml"], "absent.toml cannot be read"),
}


@pytest.mark.parametrize(("arguments", "sentence"), BAD_INPUTS.values(), ids=BAD_INPUTS.keys())
def test_bad_input_starts_nothing(foreground, arguments: list[str], sentence: str) -> None:
    result = understudy(*arguments)

    assert result.exit_code == ExitCode.BAD_INPUT
    assert sentence in result.stderr
    assert result.stdout == ""
    assert foreground.options == []


@pytest.mark.parametrize("code", list(ExitCode))
def test_what_became_of_the_run_is_the_exit_code(foreground, tmp_path, code: ExitCode) -> None:
    foreground.code = code

    assert understudy("run", "--data-dir", str(tmp_path)).exit_code == code


# config


def test_a_good_file_is_ok(tmp_path) -> None:
    (tmp_path / "my.toml").write_text("[strategy]\nmax_shares = 90\n")

    result = understudy("config", "check", str(tmp_path / "my.toml"))

    assert (result.exit_code, result.output) == (0, "ok\n")


def test_show_names_value_and_source_of_every_key(tmp_path) -> None:
    (tmp_path / "my.toml").write_text("[strategy]\nmax_shares = 9\n")

    result = understudy(
        "config", "show", "--json", "--config", str(tmp_path / "my.toml"), "--set",
        "series.asset=eth",
    )  # fmt: skip
    shown = json.loads(result.output)

    assert list(shown) == list(KEYS)
    assert shown["strategy.max_shares"]["value"] == 9
    assert shown["strategy.max_shares"]["source"] == "file"
    assert shown["series.asset"] == {
        "value": "eth",
        "source": "command line",
        "allowed": '"btc" or "eth" or "sol" or "xrp" or "doge" or "bnb" or "hype" or "zec"',
        "meaning": "the underlying",
    }
    assert shown["strategy.kill_zone_minutes"]["value"] is None


def test_show_for_people_holds_every_key() -> None:
    output = understudy("config", "show").output

    for key in KEYS.values():
        assert key.name in output
    assert "[strategy]" in output
    assert "unset" in output


# ps


def test_ps_shows_every_actor(system) -> None:
    result = understudy("ps", "--data-dir", str(system))

    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[1].split() == ["supervisor", "4000"]
    assert " ".join(lines[2].split()) == "├ strategy serving 1m 05s 2 4242 0.1s 1,234"
    assert " ".join(lines[3].split()) == "└ market-feed backing off 1m 05s 0 - 0.1s 0"


def test_ps_gives_programs_json(system) -> None:
    shown = json.loads(understudy("ps", "--data-dir", str(system), "--json").output)

    assert shown["pid"] == 4000
    assert shown["restarts"] == {"strategy": 2}
    assert [child["state"] for child in shown["children"]] == ["serving", "backing off"]


STOPPED = ("btc-updown-15m-1750000500 is stopped: the best bid of YES is 0.24",)


def test_ps_shows_what_is_halted_since_when_and_by_whom(tmp_path) -> None:
    halt = Halt(who="operator", reason="odd [prices]", since_ms=1_750_000_800_000, cancels=True)
    server = ControlServer(tmp_path, {"ps": lambda _request: ps_reply(report(), (halt,), STOPPED)})
    server.start()
    try:
        result = understudy("ps", "--data-dir", str(tmp_path))
        shown = result.output
        told = json.loads(understudy("ps", "--data-dir", str(tmp_path), "--json").output)
    finally:
        server.close()

    assert result.exit_code == ExitCode.FAILED
    assert "halted since 15:20:00: odd [prices] (operator)" in shown
    assert STOPPED[0] in shown
    assert told["stopped"] == list(STOPPED)
    assert told["halts"] == [
        {
            "who": "operator",
            "reason": "odd [prices]",
            "since_ms": 1_750_000_800_000,
            "cancels": True,
            "flattens": False,
            "series": "",
        }
    ]


def test_ps_tells_that_something_was_refused_between_processes(tmp_path) -> None:
    handlers = {"ps": lambda _request: ps_reply(report(), refused_count=1_234)}
    server = ControlServer(tmp_path, handlers)
    server.start()
    try:
        shown = understudy("ps", "--data-dir", str(tmp_path)).output
    finally:
        server.close()

    assert "1,234 connections or frames between processes were refused" in shown


def test_ps_of_nothing_says_so_and_fails(tmp_path) -> None:
    result = understudy("ps", "--data-dir", str(tmp_path))

    assert result.exit_code == ExitCode.FAILED
    assert result.stderr == f"understudy: no understudy runs on {tmp_path}\n"


# As real processes


PROCESS_CASES: dict[str, tuple[Callable[[Path], list[str]], ExitCode, str]] = {
    "help": (lambda _path: ["--help"], ExitCode.OK, ""),
    "nothing runs": (
        lambda path: ["ps", "--data-dir", str(path)],
        ExitCode.FAILED,
        "understudy: no understudy runs on {path}\n",
    ),
    "bad file": (
        lambda path: ["config", "check", str(path / "absent.toml")],
        ExitCode.BAD_INPUT,
        "understudy: {path}/absent.toml cannot be read: No such file or directory\n",
    ),
}


@pytest.mark.processes
@pytest.mark.parametrize(
    ("arguments", "code", "stderr"), PROCESS_CASES.values(), ids=PROCESS_CASES.keys()
)
def test_a_process_ends_with_its_code_and_one_sentence(tmp_path, arguments, code, stderr) -> None:
    done = understudy_process(*arguments(tmp_path))

    assert done.returncode == code
    assert done.stderr == stderr.format(path=tmp_path)
