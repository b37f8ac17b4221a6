"""``understudy drill``: kill everything that can die, and check that nothing is lost."""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.strategy.choice import PAIR
from understudy.commands import shared
from understudy.display.screen import Screen
from understudy.display.terminal import echo_shown
from understudy.drill.plan import ONE_SERIES, TARGETS, DrillRequest
from understudy.teaching import command

if TYPE_CHECKING:
    from understudy.drill.conduct import Recovery
    from understudy.drill.report import Result

DEFAULT_KILLS = 52


def _roles(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> tuple[str, ...]:
    """Parse a list of targets, separated by commas."""
    chosen = tuple(part.strip() for part in value.split(",")) if value is not None else TARGETS
    unknown = [name for name in chosen if name not in TARGETS]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(TARGETS)}")
    return chosen


@command(
    examples={
        "understudy drill": "52 injections: every role and every moment that matters",
        "understudy drill --kills 12 --json": "a shorter one, for a program",
        "understudy drill --seed 7": "the same kills again, in the same order",
        "understudy drill --roles desk,order --kills 20": "only these",
        "understudy drill --layout grouped": "with most actors in one process",
        "understudy drill --series btc-5m,eth-5m,sol-5m": "three series at once",
        "understudy drill --mode live": "with signed orders, on an exchange that misbehaves",
    },
)
@shared.whole_number_option(
    "--kills", least=1, most=10_000, default=DEFAULT_KILLS, help_text="How many."
)
@shared.whole_number_option(
    "--seed",
    help_text="For targets, times and means, and the market's prices.  [default: drawn]",
)
@click.option(
    "--roles",
    "targets",
    callback=_roles,
    metavar="A,B,...",
    help=f"Targets, of: {', '.join(TARGETS)}.  [default: all]",
)
@shared.mode_option(
    "live: with signed orders, on a local exchange that misbehaves; then reconciled."
)
@click.option(
    "--faults",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --mode live: what goes wrong at the exchange (docs/exchange.md).  [default: a bit "
    "of everything, by the seed]",
)
@shared.whole_number_option(
    "--windows",
    least=1,
    most=1_000,
    default=1,
    help_text="Go on after the last kill until this many windows have settled.",
)
@shared.layout_option("Which actors share a process (docs/architecture.md).")
@shared.own_series_option(ONE_SERIES, "What is traded; of several, each injection strikes one.")
@shared.use_option
@shared.json_option
def drill(
    *, seed: int | None, mode: str, faults: Path | None, use: str | None, is_json: bool, **more: Any
) -> None:
    """Kill actors and processes of a trading system, then check that all its books agree.

    Starts a local exchange and a system that trades on it. Kills or hangs one process after
    another, some of them between a record and the message about it, and makes cores raise or loop
    without end. Each time it waits until everything serves again. In the end the journal, the
    executor, the ledger and the exchange must agree on every order, fill, share and cent, and no
    process may be left.

    With --mode live orders are signed and sent to the exchange, which misbehaves meanwhile; in the
    end its own books of the account must agree too.

    Exit codes: 0 everything agrees, 1 something does not: the last lines say what, and give the
    seed that repeats it.
    """
    if not sys.platform.startswith("linux"):
        shared.fail("a drill finds processes by /proc, which only Linux has")
    if faults is not None and mode != "live":
        raise click.UsageError("--faults is for --mode live: simulated orders go to no exchange")
    shared.load_config(None, (f"strategy.use={use or PAIR}",))
    request = DrillRequest(
        seed=secrets.randbits(32) if seed is None else seed,
        is_live=mode == "live",
        faults=faults,
        use=use or PAIR,
        **more,
    )
    directory = Path(tempfile.mkdtemp(prefix="understudy-drill-"))
    if _conduct(request, directory, is_json=is_json).is_good:
        shutil.rmtree(directory)
        return
    shared.fail(
        f"the drill failed; `understudy drill {request.options}` repeats it, its journal and log "
        f"are in {directory}"
    )


def _conduct(request: DrillRequest, directory: Path, *, is_json: bool) -> Result:
    """Conduct a drill, report each injection, and show the result."""
    # Loading all of it takes a while; `understudy drill --help` does not need it.
    from understudy.drill.report import recovery_line, result_json, result_view
    from understudy.drill.session import run_drill
    from understudy.processes.exchange import ExchangeFailed

    def tell(number: int, recovery: Recovery) -> None:
        if not is_json:
            echo_shown(recovery_line(number, request.kills, recovery))

    try:
        result = run_drill(directory, request, tell)
    except ExchangeFailed as error:
        shutil.rmtree(directory)
        shared.fail(str(error))
    if is_json:
        shared.print_json(result_json(result))
    else:
        Screen().print(result_view(result))
    return result
