"""Commands whose help ends in examples, aligned and explained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

_WIDEST_EXAMPLE = 60


class TaughtCommand(click.Command):
    """A command that is declared with ``examples``: what to type, and what it is for."""

    def __init__(self, *args: Any, examples: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below everything else."""
        with formatter.section("Examples"):
            formatter.write_dl(list(self._examples.items()), col_max=_WIDEST_EXAMPLE)
        super().format_epilog(ctx, formatter)
