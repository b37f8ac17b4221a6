"""``understudy doctor``: check what a run needs, and say what to do about problems."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import click

from understudy.commands import shared
from understudy.credentials.live import LIVE_FLAG
from understudy.display.screen import Screen
from understudy.display.terminal import echo_shown
from understudy.doctor import view
from understudy.doctor.examination import examine
from understudy.doctor.findings import CheckOutcome
from understudy.doctor.subject import Subject, subject_of
from understudy.processes.exit_codes import ExitCode
from understudy.teaching import command


@command(
    examples={
        "understudy doctor": "before the first run with paper money",
        "understudy doctor --config live.toml --data-dir ./live": "the account as well",
        "understudy doctor --config live.toml --order-test": "then an order, once you consent",
        "understudy doctor --json | jq '.[].outcome'": "for a script",
    },
)
@shared.config_option
@shared.assignment_option
@shared.data_dir_option
@click.option(
    "--order-test",
    "with_order_test",
    is_flag=True,
    help="Live mode: if nothing failed, place one small order far from the market and cancel it.",
)
@click.option(
    LIVE_FLAG,
    "is_understood",
    is_flag=True,
    help="For --order-test, unless the exchange is on this host.",
)
@shared.json_option
def doctor(
    config_path: Path | None,
    assignments: tuple[str, ...],
    data_dir: Path,
    with_order_test: bool,
    is_understood: bool,
    is_json: bool,
) -> None:
    """Check everything that a run needs, and say how to fix what is wrong.

    No order is sent without --order-test. In live mode the private key is read, and the venue is
    asked for API credentials, as a run would; secrets are never shown. Takes at most some ten
    seconds, even if nothing answers.

    Exit codes: 0 no failures, perhaps warnings; 1 something failed; 2 bad input.
    """
    settings = shared.load_config(config_path, assignments).settings
    subject = subject_of(settings, data_dir.expanduser().absolute())
    if with_order_test:
        _require_consent(subject, is_understood=is_understood)
    is_terminal = sys.stdout.isatty() and not is_json
    console = Screen()
    waiting = console.status("examining…") if is_terminal else contextlib.nullcontext()
    with waiting:
        findings = examine(subject, with_order_test=with_order_test)
    if is_json:
        shared.print_json(view.as_json(findings))
    elif is_terminal:
        console.print(view.table(findings))
        console.print(view.totals(findings), highlight=False)
    else:
        echo_shown("\n".join([*view.lines(findings), view.totals(findings)]))
    if any(each.outcome is CheckOutcome.FAIL for each in findings):
        raise click.exceptions.Exit(ExitCode.FAILED)


def _require_consent(subject: Subject, *, is_understood: bool) -> None:
    mode = subject.settings.execution.mode
    if not subject.is_live:
        shared.fail(
            f'--order-test is for execution.mode = "live", not "{mode}"', ExitCode.BAD_INPUT
        )
    if not (subject.is_local or is_understood):
        shared.fail(f"--order-test sends a real order: add {LIVE_FLAG}", ExitCode.BAD_INPUT)
