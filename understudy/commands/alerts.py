"""``understudy alerts``: tell people what happens to a system, wherever they are."""

from __future__ import annotations

import importlib.util
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import click

from understudy.alerting.couriers import Attempt, Couriers
from understudy.alerting.queues import Message
from understudy.alerting.store import StoreUnreadable, load_kept
from understudy.alerting.targets import FILE_VARIABLE, Targets, TargetsUnusable, read_targets
from understudy.commands import shared
from understudy.display.terminal import echo_shown
from understudy.processes.exit_codes import ExitCode
from understudy.reading.moments import iso_text
from understudy.teaching import group

LOCK_NAME = "alerts.lock"
_POLL_S = 0.05


@group(
    examples={
        "understudy alerts test": "send one message to each target now",
        "understudy alerts show": "what is wrong now, and what waits to be delivered",
    },
)
def alerts() -> None:
    """Send alerts about a system: by mail, Telegram, Slack, a webhook and many more.

    The targets are secret: apprise addresses, one per line, in a file of mode 0600 named by
    UNDERSTUDY_ALERTS_FILE, or in UNDERSTUDY_ALERTS. Which alerts are sent: [alerts] in the
    configuration. Everything else: docs/alerts.md.
    """


@alerts.command(
    examples={
        "understudy alerts test": "one message to each target, now",
        f"{FILE_VARIABLE}=~/targets understudy alerts test --json": "for a script",
    },
)
@shared.json_option
def test(is_json: bool) -> None:
    """Send one message to every target, and request the dead man's address.

    Exit codes: 0 all were accepted, 1 some were not, 2 there is no target.
    """
    targets = _targets()
    message = Message(
        title=f"understudy {socket.gethostname()}: test",
        body="This is a test. Alerts will look like this, and arrive here.\n",
    )
    couriers = Couriers()
    try:
        for target in targets.alerts:
            couriers.send(target.name, target.url, message)
        if targets.deadman_url:
            couriers.ping("deadman", targets.deadman_url)
        attempts: list[Attempt] = []
        while couriers.busy:
            attempts += couriers.poll()
            time.sleep(_POLL_S)
    finally:
        couriers.close()
    if is_json:
        told = {each.name: {"taken": not each.problem, "why": each.problem} for each in attempts}
        shared.print_json({"targets": told})
    else:
        for each in attempts:
            echo_shown(f"{each.name}: {each.problem or 'taken'}")
    if any(each.problem for each in attempts):
        raise click.exceptions.Exit(ExitCode.FAILED)


@alerts.command(
    examples={
        "understudy alerts watch": "watch the system on the default data directory, until Ctrl-C",
        "understudy run --set alerts.enabled=true": "the same beside a run, and ended with it",
    },
)
@shared.data_dir_option
def watch(data_dir: Path) -> None:
    """Watch a system, whether or not it runs, and send alerts.

    A process of its own that only reads: a slow server, or a hang or crash of this process, does
    not affect trading. Undelivered alerts are kept in the data directory and sent later. Which
    alerts are sent is set by [alerts] of the newest run.

    Exit codes: 0 ended by a signal, 2 bad input, 3 another process watches this directory.
    """
    directory, targets = shared.existing_directory(data_dir), _targets()
    from actors.runtime.log import LineLog
    from understudy.alerting.service import AlertService
    from understudy.data_dir.ownership import DataDirLock, DirectoryLocked
    from understudy.watching.observation import Lookout

    try:
        lock = DataDirLock(directory, LOCK_NAME)
    except DirectoryLocked:
        shared.fail(f"another process already sends alerts for {directory}", ExitCode.LOCKED)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    lines = LineLog(directory, "alerts", to_stderr=sys.stderr.isatty())
    lines.write("info", f"watching; {len(targets.alerts)} targets")
    try:
        system = f"{socket.gethostname()}:{directory.name}"
        look = Lookout(directory).look
        AlertService(look, directory, targets, system, lines.write).run(stop)
    finally:
        lines.close()
        lock.release()


@alerts.command(
    examples={
        "understudy alerts show": "what is wrong now, and what waits to be delivered",
        "understudy alerts show --json": "for programs",
    },
)
@shared.data_dir_option
@shared.json_option
def show(data_dir: Path, is_json: bool) -> None:
    """Show the conditions that persist, and alerts that are not delivered yet.

    Exit codes: 0 shown, 1 the file of alerts cannot be read, 2 bad input.
    """
    with shared.failing_on(StoreUnreadable):
        kept = load_kept(shared.existing_directory(data_dir))
    spells = kept.memory.spells if kept.memory is not None else {}
    lasting = [each for each in spells.values() if each.is_told and each.ended_ms is None]
    if is_json:
        shown = {
            "lasting": [
                {
                    "kind": each.condition.kind,
                    "text": each.condition.text,
                    "since": iso_text(each.since_ms),
                }
                for each in lasting
            ],
            "waiting": {
                name: {
                    "alerts": [each.text for each in queue.waiting],
                    "left_out": queue.left_out_count,
                    "attempts": queue.attempts,
                }
                for name, queue in kept.queues.items()
            },
        }
        shared.print_json(shown)
        return
    for each in lasting:
        echo_shown(f"since {iso_text(each.since_ms)}  {each.condition.text}")
    if not lasting:
        echo_shown("no reported condition persists")
    for name, queue in kept.queues.items():
        if queue.waiting:
            tries = f", {queue.attempts} attempts in vain" if queue.attempts else ""
            echo_shown(f"{name}: {len(queue.waiting)} alerts wait{tries}")


def _targets() -> Targets:
    """Read the targets, or end the command: bad input."""
    with shared.failing_on(TargetsUnusable, code=ExitCode.BAD_INPUT):
        targets = read_targets()
    if targets.alerts and importlib.util.find_spec("apprise") is None:
        shared.fail(
            "apprise is not installed: pip install 'understudy[alerts]'", ExitCode.BAD_INPUT
        )
    return targets
