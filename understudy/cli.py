"""The ``understudy`` command: a list of commands, each loaded only when it is called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any

import attrs
import click

from understudy.exit_codes import ExitCode
from understudy.teaching import TaughtGroup
from understudy.terminal import say, show_everything

_NAME_CHARS = 300


@attrs.frozen
class Lazy:
    """Where a command is found, and its line in the list of commands."""

    module: str
    attribute: str
    summary: str


COMMANDS: Mapping[str, Lazy] = {
    "run": Lazy("understudy.commands.run", "run", "Trade: paper money, real money, or the demo."),
    "watch": Lazy("understudy.commands.watch", "watch", "Show the live view of a running system."),
    "ps": Lazy("understudy.commands.ps", "ps", "Show the actors of a running system."),
    "halt": Lazy("understudy.commands.halts", "halt", "Stop trading until someone resumes."),
    "resume": Lazy("understudy.commands.halts", "resume", "Lift a halt, and trade again."),
    "flatten": Lazy("understudy.commands.halts", "flatten", "Halt and sell what is one-sided."),
    "series": Lazy("understudy.commands.series", "series", "Add and drop series while it runs."),
    "reload": Lazy("understudy.commands.reload", "reload", "Take other settings while it runs."),
    "orders": Lazy("understudy.commands.orders", "orders", "List orders from the journal."),
    "positions": Lazy("understudy.commands.positions", "positions", "List windows and holdings."),
    "fills": Lazy("understudy.commands.fills", "fills", "List fills from the journal."),
    "explain": Lazy("understudy.commands.explain", "explain", "Tell one order's whole story."),
    "report": Lazy("understudy.commands.report", "report", "P&L, fees, fill ratio, leg risk."),
    "crashes": Lazy("understudy.commands.crashes", "crashes", "List crashes of actors."),
    "replay": Lazy("understudy.commands.crashes", "replay", "Have one of them again, here."),
    "drill": Lazy("understudy.commands.drill", "drill", "Kill what can fall; lose nothing."),
    "soak": Lazy("understudy.commands.soak", "soak", "Run for hours while everything fails."),
    "doctor": Lazy("understudy.commands.doctor", "doctor", "Check what a run needs, before it."),
    "alerts": Lazy("understudy.commands.alerts", "alerts", "Tell people what happens."),
    "web": Lazy("understudy.commands.web", "web", "Show a system in the browser."),
    "metrics": Lazy("understudy.commands.metrics", "metrics", "Serve numbers to Prometheus."),
    "health": Lazy("understudy.commands.metrics", "health", "Say: serving, degraded or down."),
    "credentials": Lazy(
        "understudy.commands.credentials", "credentials", "API credentials for the price feed."
    ),
    "service": Lazy("understudy.commands.service", "service", "Let systemd start and watch it."),
    "backup": Lazy("understudy.commands.backup", "backup", "Copy the journal while it is written."),
    "archive": Lazy("understudy.commands.archive", "archive", "Let old events leave the journal."),
    "restore": Lazy("understudy.commands.backup", "restore_command", "Put a copy back."),
    "config": Lazy("understudy.commands.config", "config", "Check or show a configuration."),
    "strategy": Lazy(
        "understudy.commands.strategy", "strategy", "Write and check a strategy of one's own."
    ),
    "simulate": Lazy(
        "understudy.commands.simulate", "simulate", "Run every actor under faults, on virtual time."
    ),
    "record": Lazy("understudy.commands.record", "record", "Record markets, without trading."),
    "recordings": Lazy(
        "understudy.commands.recordings", "recordings", "List, check and import recordings."
    ),
    "backtest": Lazy(
        "understudy.commands.backtest", "backtest", "Trade recorded windows on virtual time."
    ),
    "search": Lazy(
        "understudy.commands.search", "search", "Search a strategy's parameters on them."
    ),
    "results": Lazy("understudy.commands.results", "results", "List, show, compare backtests."),
    "venue": Lazy("understudy.commands.venue", "venue", "Run the local exchange by itself."),
}


def _words(error: OSError) -> str:
    """Say what the system refused; a file's name may be as long as somebody likes."""
    name = f"{error.filename}" if error.filename is not None else "the system"
    shown = name if len(name) <= _NAME_CHARS else f"{name[:_NAME_CHARS]}…"
    return f"{shown}: {error.strerror or error}"


class LazyGroup(TaughtGroup):
    """A group that imports a command's module when the command is called, not before."""

    def __init__(self, *, lazy: Mapping[str, Lazy], **options: Any) -> None:
        super().__init__(**options)
        self._lazy = lazy

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command; whatever it shows can be shown on every terminal."""
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
        if lazy is None:
            return None
        command: click.Command = getattr(importlib.import_module(lazy.module), lazy.attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without loading any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.summary) for name, lazy in self._lazy.items()])


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples={
        "understudy run --demo": "two windows against a local exchange, then a summary",
        "understudy run": "the real venue's books, simulated orders, until Ctrl-C",
        "understudy ps": "which actors serve, since when, how often they fell",
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
