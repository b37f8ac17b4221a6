"""``understudy service``: let systemd start the system, watch it, and start it again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from understudy.commands.shared import fail, json_option, load_config, print_json
from understudy.credentials.live import LIVE_FLAG, live_refusal
from understudy.display.terminal import echo_shown
from understudy.processes.exit_codes import ExitCode
from understudy.running.systemd_units import ServicePlan, units_of
from understudy.teaching import group

SYSTEM_PLACE = Path("/etc/systemd/system")
SYSTEM_DATA_DIR = Path("/var/lib/understudy")
USER_DATA_DIR = Path("~/.understudy")

_file = click.Path(path_type=Path)


@group(
    examples={
        "understudy service install --print": "the units that would be written",
        "understudy service install --user": "write them for this user, without root",
    },
)
def service() -> None:
    """Let systemd start the system, watch it, and start it again after a fall.

    From a bare server to a service that survives a reboot: docs/deployment.md.
    """


@service.command(
    examples={
        "understudy service install --user": "for this user, without root",
        "understudy service install --print": "only show the units",
        "understudy service install --config /etc/understudy.toml --metrics": "for the machine",
        "understudy service install --alerts /etc/understudy/targets": "with who is told",
        "understudy service install --key /etc/understudy/key …": "live; with the flag of run",
    },
)
@click.option("--user", "is_user", is_flag=True, help="For this user's own systemd, without root.")
@click.option("--config", type=_file, metavar="FILE", help="The run's TOML file of settings.")
@click.option(
    "--data-dir",
    type=_file,
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
@click.option("--key", type=_file, metavar="FILE", help="Live: the private key's file.")
@click.option("--api-credentials", type=_file, metavar="FILE", help="The API credentials' file.")
@click.option("--alerts", type=_file, metavar="FILE", help="Tell people: file of their addresses.")
@click.option("--metrics", "has_metrics", is_flag=True, help="Serve metrics as well.")
@click.option("--web", "has_page", is_flag=True, help="Serve the page as well.")
@click.option("--name", default="understudy", show_default=True, help="Name of the run's unit.")
@click.option("--print", "is_printed", is_flag=True, help="Print the units, write nothing.")
@click.option(
    LIVE_FLAG,
    "is_understood",
    is_flag=True,
    help='Needed if the configuration has execution.mode = "live", as for understudy run.',
)
@json_option
def install(
    is_user: bool,
    config: Path | None,
    data_dir: Path | None,
    run_as: str,
    key: Path | None,
    api_credentials: Path | None,
    alerts: Path | None,
    has_metrics: bool,
    has_page: bool,
    name: str,
    is_printed: bool,
    is_understood: bool,
    is_json: bool,
) -> None:
    """Write the units of a run and of its watchers; starts nothing.

    The run tells systemd when its actors are up and that its loop turns; it is started again after
    a fall, five times in ten minutes at most, and not if it gave up by itself. Secrets are read by
    systemd (LoadCredential) and given to the one service that needs them. `systemd-analyze verify`
    looks at what was written, where it is installed.

    Exit codes: 0 written, 1 a unit could not be written or was found wrong, 2 bad input.
    """
    _refuse(config, {"--name": name, "--run-as": run_as}, is_understood=is_understood)
    units = units_of(
        ServicePlan(
            name=name,
            python=_python(),
            base_prefix=Path(sys.base_prefix),
            data_dir=_absolute(data_dir or (USER_DATA_DIR if is_user else SYSTEM_DATA_DIR)),
            is_user=is_user,
            run_as=run_as,
            config=_existing(config),
            key=_existing(key),
            api_credentials=_existing(api_credentials),
            alert_targets=_existing(alerts),
            has_metrics=has_metrics,
            has_page=has_page,
            is_real_money_understood=is_understood,
        )
    )
    if is_printed:
        _print(units, is_json)
        return
    paths = _write(units, _place(is_user))
    complaints = _verify(paths, is_user)
    _tell(paths, complaints, is_user=is_user, is_json=is_json)
    if complaints:
        raise click.exceptions.Exit(ExitCode.FAILED)


def _refuse(config: Path | None, words: Mapping[str, str], *, is_understood: bool) -> None:
    """End the command if such a run would be refused, or a unit cannot have such a word."""
    refusal = live_refusal(load_config(config).settings, is_understood=is_understood)
    if refusal is not None:
        fail(refusal, ExitCode.BAD_INPUT)
    for what, word in words.items():
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", word):
            fail(f"{what} {word}: allowed are letters, digits and _ . -", ExitCode.BAD_INPUT)


def _python() -> Path:
    """The interpreter beside this command as it was called: by a link to a release, if by one."""
    running = Path(sys.executable)
    beside = Path(sys.argv[0]).absolute().parent / running.name
    is_same_place = beside.parent.resolve() == running.parent.resolve()
    return beside if is_same_place and beside.exists() else running


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _existing(path: Path | None) -> Path | None:
    if path is None:
        return None
    if not _absolute(path).is_file():
        fail(f"there is no file {path}", ExitCode.BAD_INPUT)
    if "\n" in str(path):
        fail(f"a unit cannot name {str(path)!r}", ExitCode.BAD_INPUT)
    return _absolute(path)


def _place(is_user: bool) -> Path:
    if not is_user:
        return SYSTEM_PLACE
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "systemd" / "user"


def _print(units: Mapping[str, str], is_json: bool) -> None:
    if is_json:
        print_json({"units": dict(units)})
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
        fail(f"{place} cannot be written: {error.strerror}{hint}")
    return paths


def _verify(paths: list[Path], is_user: bool) -> str:
    """What ``systemd-analyze verify`` finds wrong; empty if nothing, or if it is not installed."""
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
        print_json(told)
        return
    for path in paths:
        echo_shown(f"wrote {path}")
    if complaints:
        echo_shown(f"systemd-analyze verify found:\n{complaints}", err=True)
    else:
        echo_shown("next:")
        for line in after:
            echo_shown(f"  {line}")
