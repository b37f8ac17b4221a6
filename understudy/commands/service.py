"""``understudy service``: let systemd start the system, watch it, and restart it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from understudy.commands import shared
from understudy.credentials.live import LIVE_FLAG, live_refusal
from understudy.display.terminal import echo_shown
from understudy.processes.exit_codes import ExitCode
from understudy.running.systemd_units import ServicePlan, units_of
from understudy.teaching import group

SYSTEM_PLACE = Path("/etc/systemd/system")
SYSTEM_DATA_DIR = Path("/var/lib/understudy")
USER_DATA_DIR = Path("~/.understudy")


def _file_option(*names: str, help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option that names a file, which must exist; the command gets its absolute path."""
    return click.option(
        *names,
        type=click.Path(path_type=Path),
        metavar="FILE",
        callback=lambda _context, _parameter, path: _existing(path),
        help=help_text,
    )


@group(
    examples={
        "understudy service install --print": "the units that would be written",
        "understudy service install --user": "write them for this user, without root",
    },
)
def service() -> None:
    """Let systemd start the system, watch it, and restart it after a crash.

    From a bare server to a service that survives a reboot: docs/deployment.md.
    """


@service.command(
    examples={
        "understudy service install --user": "for this user, without root",
        "understudy service install --print": "only show the units",
        "understudy service install --config /etc/understudy.toml --metrics": "for the machine",
        "understudy service install --alerts /etc/understudy/targets": "with the alerts' targets",
        "understudy service install --key /etc/understudy/key …": "live; with the flag of run",
    },
)
@click.option("--user", "is_user", is_flag=True, help="For this user's own systemd, without root.")
@_file_option("--config", help_text="The run's TOML file of settings.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=f"The run's data directory.  [default: {SYSTEM_DATA_DIR}; with --user {USER_DATA_DIR}]",
)
@click.option(
    "--run-as",
    default="understudy",
    show_default=True,
    metavar="USER",
    help="User that the system's service runs as; not with --user.",
)
@_file_option("--key", help_text="Live: the private key's file.")
@_file_option("--api-credentials", help_text="The API credentials' file.")
@_file_option("--alerts", "alert_targets", help_text="Send alerts: file of the targets.")
@click.option("--metrics", "has_metrics", is_flag=True, help="Serve metrics as well.")
@click.option("--web", "has_page", is_flag=True, help="Serve the page as well.")
@click.option("--name", default="understudy", show_default=True, help="Name of the run's unit.")
@click.option("--print", "is_printed", is_flag=True, help="Print the units, write nothing.")
@click.option(
    LIVE_FLAG,
    "is_real_money_understood",
    is_flag=True,
    help='Needed if the configuration has execution.mode = "live", as for understudy run.',
)
@shared.json_option
def install(
    *, data_dir: Path | None, is_user: bool, is_printed: bool, is_json: bool, **asked: Any
) -> None:
    """Write the units of a run and of its watchers; starts nothing.

    The run tells systemd when its actors are up and that its loop is alive; after a crash it is
    started again, at most five times in ten minutes, but not if it gave up by itself. systemd reads
    the secrets (LoadCredential) and gives each to the one service that needs it. `systemd-analyze
    verify` checks the units, if it is installed.

    Exit codes: 0 written, 1 a unit could not be written or is invalid, 2 bad input.
    """
    data_dir = data_dir or (USER_DATA_DIR if is_user else SYSTEM_DATA_DIR)
    plan = ServicePlan(
        python=_python(),
        base_prefix=Path(sys.base_prefix),
        data_dir=data_dir.expanduser().absolute(),
        is_user=is_user,
        **asked,
    )
    _refuse(plan)
    units = units_of(plan)
    if is_printed:
        _print(units, is_json)
        return
    paths = _write(units, _place(is_user))
    complaints = _verify(paths, is_user)
    _tell(paths, complaints, is_user=is_user, is_json=is_json)
    if complaints:
        raise click.exceptions.Exit(ExitCode.FAILED)


def _refuse(plan: ServicePlan) -> None:
    """End the command if such a run would be refused, or a unit cannot contain such a word."""
    settings = shared.load_config(plan.config).settings
    refusal = live_refusal(settings, is_understood=plan.is_real_money_understood)
    if refusal is not None:
        shared.fail(refusal, ExitCode.BAD_INPUT)
    for what, word in (("--name", plan.name), ("--run-as", plan.run_as)):
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", word):
            shared.fail(f"{what} {word}: allowed are letters, digits and _ . -", ExitCode.BAD_INPUT)


def _python() -> Path:
    """The interpreter beside this command as it was called: via a link to a release, if by one."""
    running = Path(sys.executable)
    beside = Path(sys.argv[0]).absolute().parent / running.name
    is_same_place = beside.parent.resolve() == running.parent.resolve()
    return beside if is_same_place and beside.exists() else running


def _existing(path: Path | None) -> Path | None:
    absolute = path and path.expanduser().absolute()
    if absolute is not None and not absolute.is_file():
        shared.fail(f"there is no file {path}", ExitCode.BAD_INPUT)
    if "\n" in str(path):
        shared.fail(f"a unit cannot name {str(path)!r}", ExitCode.BAD_INPUT)
    return absolute


def _place(is_user: bool) -> Path:
    if not is_user:
        return SYSTEM_PLACE
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "systemd" / "user"


def _print(units: Mapping[str, str], is_json: bool) -> None:
    if is_json:
        shared.print_json({"units": dict(units)})
        return
    for name, text in units.items():
        echo_shown(f"# {name}\n{text}")


def _write(units: Mapping[str, str], place: Path) -> list[Path]:
    paths = []
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, text in units.items():
            path = place / name
            fresh = place / f".{name}.new"
            fresh.write_text(text, encoding="utf-8")
            fresh.chmod(0o644)  # systemd would show the unit to everybody all the same
            fresh.replace(path)
            paths.append(path)
    except OSError as error:
        hint = "" if os.geteuid() == 0 else ": use sudo, or --user"
        shared.fail(f"{place} cannot be written: {error.strerror}{hint}")
    return paths


def _verify(paths: list[Path], is_user: bool) -> str:
    """The problems ``systemd-analyze verify`` finds; empty if none, or if it is not installed."""
    command = shutil.which("systemd-analyze")
    if command is None:
        return ""
    scope = ["--user"] if is_user else []
    done = subprocess.run(  # noqa: S603 # systemd's own program, the units just written
        [command, *scope, "verify", *map(str, paths)], capture_output=True, text=True, check=False
    )
    return done.stderr.strip() if done.returncode else ""


def _tell(paths: list[Path], complaints: str, *, is_user: bool, is_json: bool) -> None:
    scope = " --user" if is_user else ""
    names = " ".join(path.name.removesuffix(".service") for path in paths)
    after = [f"systemctl{scope} daemon-reload", f"systemctl{scope} enable --now {names}"]
    if is_user:
        after.append("loginctl enable-linger   # so that it also runs when you are not logged in")
    if is_json:
        told = {"written": [str(path) for path in paths], "next": after, "complaints": complaints}
        shared.print_json(told)
        return
    for path in paths:
        echo_shown(f"wrote {path}")
    if complaints:
        echo_shown(f"systemd-analyze verify found:\n{complaints}", err=True)
    else:
        echo_shown("next:")
        for line in after:
            echo_shown(f"  {line}")
