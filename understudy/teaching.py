"""Commands whose help ends in examples, and groups that guess what a mistyped name was meant to be.

An example has a line of its own and its explanation the line below, so that neither is broken at
80 columns.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

import click


class TaughtCommand(click.Command):
    """A command that is declared with ``examples``: what to type, and what it is for."""

    def __init__(self, *args: Any, examples: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below everything else."""
        with formatter.section("Examples"):
            for line, meaning in self._examples.items():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")
                with formatter.indentation():
                    formatter.write_text(meaning)
        super().format_epilog(ctx, formatter)


class TaughtGroup(TaughtCommand, click.Group):
    """A group of commands with examples; an unknown command brings the nearest name to mind."""

    command_class = TaughtCommand

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called.

        Raises:
            click.UsageError: there is none of that name.
        """
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {name!r}.{hint}")
        return super().resolve_command(ctx, args)


def command(
    *, examples: Mapping[str, str], name: str | None = None
) -> Callable[[Callable[..., Any]], TaughtCommand]:
    """Make a function a command, as ``click.command`` does."""
    return click.command(name, cls=TaughtCommand, examples=examples)


def group(
    *, examples: Mapping[str, str], **options: Any
) -> Callable[[Callable[..., Any]], TaughtGroup]:
    """Make a function a group of commands, as ``click.group`` does."""
    return click.group(cls=TaughtGroup, examples=examples, **options)
