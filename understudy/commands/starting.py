"""How the commands that run a system begin: refusals, the account, the directory."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from actors.proxies import ProxyRefused
from actors.settings import Settings
from understudy.commands import shared
from understudy.credentials.live import live_account, live_refusal, rehearsal_refusal
from understudy.credentials.price_feed import credentials_for_the_feed
from understudy.data_dir.privacy import NotPrivate, make_private
from understudy.display.terminal import echo_shown, warn
from understudy.doctor.proxies import proxies_of
from understudy.processes.exit_codes import ExitCode
from understudy.running.watchers_wanted import watchers_refusal
from understudy.settings.options import DEFAULT_DATA_DIR, RunOptions

if TYPE_CHECKING:
    from research.recordings.serving import RecordedWorld


@contextlib.contextmanager
def account_of(settings: Settings, *, is_demo: bool, is_local: bool) -> Iterator[str]:
    """Provide the account of live orders; within the block, forks find the secrets they need."""
    is_live = settings.execution.mode == "live"
    with (
        credentials_for_the_feed(is_live=is_live, is_local=is_local),
        live_account(settings, has_own_key=not is_demo) as account,
    ):
        yield account


def refuse(settings: Settings, speed: float, *, is_local: bool, is_understood: bool) -> None:
    """End the command if live orders are refused, or alerts would reach nobody."""
    if settings.execution.mode == "live" and is_local:
        refusal = rehearsal_refusal(speed=speed, is_understood=is_understood)
    else:
        refusal = live_refusal(settings, is_understood=is_understood)
    refusal = refusal or watchers_refusal(settings, os.environ)
    if refusal is not None:
        shared.fail(refusal, ExitCode.BAD_INPUT)
    if not is_local:
        with shared.failing_on(ProxyRefused, code=ExitCode.BAD_INPUT):
            proxies_of(settings.venue, os.environ)


def run_system(options: RunOptions, *, is_temporary: bool) -> int:
    """Run the system to its end; return its exit status."""
    # Loading the actor system takes a while; `understudy run --help` does not need it.
    from understudy.running.foreground import run as run_foreground

    code: int = ExitCode.FAILED
    try:
        code = run_foreground(options)
    finally:
        if is_temporary:
            _remove_unless_failed(options.data_dir, code)
    return code


def data_directory(chosen: Path | None, *, is_temporary: bool) -> Path:
    """Return a directory that exists and is private to this user."""
    if is_temporary:
        return Path(tempfile.mkdtemp(prefix="understudy-demo-"))
    directory = (chosen or DEFAULT_DATA_DIR).expanduser().absolute()
    try:
        with shared.failing_on(NotPrivate, code=ExitCode.BAD_INPUT):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            warn(make_private(directory))
    except OSError as error:
        shared.fail(f"--data-dir {directory} cannot be used: {error.strerror}", ExitCode.BAD_INPUT)
    return directory


def _remove_unless_failed(directory: Path, code: int) -> None:
    if code == ExitCode.OK:
        shutil.rmtree(directory)
    else:
        echo_shown(f"understudy: journal and log are kept in {directory}", err=True)


def recorded_world(recordings: tuple[str, ...], missing_share: float = 0.0) -> RecordedWorld:
    """Open recordings to serve them, or end the command: bad input."""
    # Loading the reader takes a while, and most runs do not need it.
    from research.recordings.places import BadRecording
    from research.recordings.serving import RecordedWorld

    with shared.failing_on(BadRecording, code=ExitCode.BAD_INPUT):
        return RecordedWorld([_place(each) for each in recordings], missing_share)


def _place(name: str) -> str | Path:
    return name if "://" in name else Path(name).expanduser()
