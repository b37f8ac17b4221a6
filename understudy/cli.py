"""The ``understudy`` command: a list of commands, each loaded only when it is called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any

import attrs
import click

from understudy.display.terminal import say, show_everything
from understudy.processes.exit_codes import ExitCode
from understudy.teaching import TaughtGroup

_NAME_CHARS = 300


@attrs.frozen
class Lazy:
    """A command that is imported when it is called."""

    name: str
    summary: str
    """Its line in the list of commands."""
    module: str = ""
    """In ``understudy.commands``; empty if named like the command."""
    attribute: str = ""
    """Of the module; empty if named like the command."""

    def load(self) -> click.Command:
        """Import it."""
        module = importlib.import_module(f"understudy.commands.{self.module or self.name}")
        command: click.Command = getattr(module, self.attribute or self.name)
        return command


SECTIONS: Mapping[str, tuple[Lazy, ...]] = {
    "Trade": (
        Lazy("run", "Trade: paper money, real money, or the demo."),
        Lazy("config", "Check or show a configuration."),
        Lazy("doctor", "Check what a run needs."),
        Lazy("credentials", "API credentials for the price feed."),
    ),
    "While it runs": (
        Lazy("watch", "Show the live view of a running system."),
        Lazy("ps", "Show the actors of a running system."),
        Lazy("halt", "Stop trading until someone resumes.", "halts"),
        Lazy("resume", "Lift a halt, and trade again.", "halts"),
        Lazy("flatten", "Halt and sell what is one-sided.", "halts"),
        Lazy("series", "Add and drop series."),
        Lazy("reload", "Apply changed settings."),
    ),
    "What it did, and why": (
        Lazy("orders", "List orders from the journal.", "lists"),
        Lazy("positions", "List windows and holdings.", "lists"),
        Lazy("fills", "List fills from the journal.", "lists"),
        Lazy("explain", "Explain one order."),
        Lazy("report", "P&L, fees, fill ratio, leg risk."),
        Lazy("crashes", "List crashes of actors."),
        Lazy("replay", "Reproduce a crash from its file.", "crashes"),
    ),
    "Is it worth it": (
        Lazy("strategy", "Write and check your own strategy."),
        Lazy("record", "Record markets, without trading."),
        Lazy("recordings", "List, check and import recordings."),
        Lazy("backtest", "Trade recorded windows on virtual time."),
        Lazy("search", "Search a strategy's parameters."),
        Lazy("results", "List, show, compare backtests."),
    ),
    "As a service": (
        Lazy("service", "Let systemd start and watch it."),
        Lazy("web", "Show a system in the browser."),
        Lazy("alerts", "Send alerts."),
        Lazy("metrics", "Serve metrics to Prometheus."),
        Lazy("health", "Say: serving, degraded or down.", "metrics"),
        Lazy("backup", "Copy the journal while it is written."),
        Lazy("restore", "Restore a copy.", "backup", "restore_command"),
        Lazy("archive", "Remove old events from the journal."),
    ),
    "See it proven": (
        Lazy("drill", "Kill whatever can die; lose nothing."),
        Lazy("soak", "Run for hours while everything fails."),
        Lazy("simulate", "Run every actor under faults, on virtual time."),
        Lazy("venue", "Run the local exchange by itself."),
    ),
}


def _words(error: OSError) -> str:
    """Describe the system's error; long file names are shortened."""
    name = f"{error.filename}" if error.filename is not None else "the system"
    shown = name if len(name) <= _NAME_CHARS else f"{name[:_NAME_CHARS]}…"
    return f"{shown}: {error.strerror or error}"


class LazyGroup(TaughtGroup):
    """A group that imports a command's module when the command is called, not before."""

    def __init__(self, *, sections: Mapping[str, tuple[Lazy, ...]], **options: Any) -> None:
        super().__init__(**options)
        self._sections = sections
        self._lazy = {lazy.name: lazy for section in sections.values() for lazy in section}

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command; all its output can be shown on every terminal."""
        show_everything()
        try:
            return super().main(*args, **extra)
        except OSError as error:
            if sys.flags.dev_mode:
                raise  # with its traceback
            say(_words(error))
            sys.exit(ExitCode.FAILED)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # click's signature
        """Name all commands, in the order of the table."""
        return list(self._lazy)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 # click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """Load one command."""
        lazy = self._lazy.get(cmd_name)
        return None if lazy is None else lazy.load()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without loading any; all summaries are aligned."""
        del ctx
        width = max(map(len, self._lazy))
        for title, section in self._sections.items():
            with formatter.section(title):
                formatter.write_dl([(lazy.name.ljust(width), lazy.summary) for lazy in section])


@click.group(
    cls=LazyGroup,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples={
        "understudy run --demo": "two windows against a local exchange, then a summary",
        "understudy run": "the real venue's books, simulated orders, until Ctrl-C",
        "understudy ps": "which actors serve, since when, how often they restarted",
        "understudy config show": "every setting and where its value comes from",
        "understudy run --help": "each command has its own help and examples",
    },
)
@click.version_option(package_name="understudy", message="%(prog)s %(version)s")
def main() -> None:
    """Trade Polymarket's short crypto markets with supervised actors.

    Orders are simulated, unless execution.mode is "live"; books and prices are the real venue's, or
    a local exchange's. Whatever is killed, the journal knows every order, and a successor carries
    on.
    """
