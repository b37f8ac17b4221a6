"""``understudy report``: the results of trading."""

from __future__ import annotations

from pathlib import Path

import click

from understudy.commands import shared
from understudy.commands.reading import is_wide, last_option, opened, row_limit
from understudy.display.screen import Screen
from understudy.display.terminal import echo_shown
from understudy.processes.exit_codes import ExitCode
from understudy.reading.performance import Performance, read_performance
from understudy.reading.report_view import report_json, report_view
from understudy.teaching import command


@command(
    examples={
        "understudy report": "the newest windows, and everything in total",
        "understudy report --html report.html": "the same as one page with plots, to pass on",
        "understudy report --json | jq -r .pnl": "the exact total, for a script",
    },
)
@click.option(
    "--html",
    "page_path",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="Also write a self-contained page with plots.",
)
@last_option
@shared.data_dir_option
@shared.json_option
def report(page_path: Path | None, last: int | None, data_dir: Path, is_json: bool) -> None:
    """Report P&L, fees, fill ratio, prices and leg risk, whether or not the system runs.

    "filled" is the share of the ordered size that was traded. A pair is one-legged while one leg
    has filled more than the other and no later fill covers the gap; "at risk" is the loss if the
    other side wins. docs/reading.md defines every number.
    """
    with opened(data_dir) as archive:
        performance = read_performance(archive)
        if is_json:
            shared.print_json(report_json(performance))
        else:
            console = Screen()
            rows = row_limit(last, is_for_programs=False)
            console.print(report_view(performance, wide=is_wide(console), rows=rows))
        if page_path is not None:
            _write_page(performance, page_path)


def _write_page(performance: Performance, path: Path) -> None:
    # The plotting library is large, and only needed here.
    from understudy.reading.page import report_page

    try:
        path.write_text(report_page(performance), encoding="utf-8")
    except OSError as error:
        shared.fail(f"--html {path} cannot be written: {error.strerror}", ExitCode.BAD_INPUT)
    echo_shown(f"understudy: wrote {path}", err=True)
