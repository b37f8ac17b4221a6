"""Options of commands that keep or read results."""

from __future__ import annotations

from pathlib import Path

import click

from understudy.settings.options import DEFAULT_DATA_DIR

results_dir_option = click.option(
    "--results",
    "results_dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=DEFAULT_DATA_DIR / "results",
    show_default=True,
    help="Directory where results are kept, a folder each.",
)
