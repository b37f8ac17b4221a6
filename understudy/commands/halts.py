"""``understudy halt``, ``resume`` and ``flatten``: a person stops trading, and lets it go on."""

from __future__ import annotations

import time
from pathlib import Path

import attrs
import cattrs
import click

from actors.messages.halts import BY_HAND, HaltStatus, halt_words, halts_of
from actors.units import size_text
from understudy.commands import shared
from understudy.commands.reading import opened
from understudy.control import ControlError, NotRunning, Reply, ask
from understudy.data_dir.kill_switch import pull_kill_switch
from understudy.display.terminal import echo_shown
from understudy.processes.exit_codes import ExitCode
from understudy.reading.flatten_sales import FlattenSale, flatten_sales
from understudy.teaching import command

_LOOK_AGAIN_S = 0.3

_series_option = click.option(
    "--series", default="", metavar="NAME", help="This series only, such as eth-5m."
)

_reason_option = click.option(
    "--reason", default="", metavar="TEXT", help="Recorded, and shown together with the halt."
)


@command(
    examples={
        "understudy halt": "no new orders; open ones end by themselves within seconds",
        "understudy halt --cancel --reason 'odd prices'": "also cancel open orders at once",
        "touch ~/.understudy/HALT": "the same without any command: the kill-switch file",
    },
)
@click.option("--cancel", is_flag=True, help="Cancel every open order.")
@_series_option
@_reason_option
@shared.data_dir_option
@shared.json_option
def halt(cancel: bool, series: str, reason: str, data_dir: Path, is_json: bool) -> None:
    """Stop trading until someone resumes, even across crashes and restarts.

    Feeds, books and settlements go on. If no system answers, the kill-switch file is written
    instead: a system that starts there begins halted.

    Exit codes: 0 halted, or nothing runs and the file is written; 1 otherwise.
    """
    directory = data_dir.expanduser().absolute()
    reason = reason or BY_HAND
    try:
        reply = ask(directory, "halt", reason=reason, cancel=cancel, series=series)
    except (NotRunning, ControlError) as error:
        if series:
            shared.fail(
                f"{error}; the kill-switch file halts everything: leave out --series for that"
            )
        _pull(directory, reason, str(error), is_json, runs=isinstance(error, ControlError))
        return
    _show(reply, is_json)


@command(
    examples={
        "understudy resume": "trade again",
        "understudy resume --reason 'prices are fine'": "with a reason on record",
    },
)
@_series_option
@_reason_option
@shared.data_dir_option
@shared.json_option
def resume(series: str, reason: str, data_dir: Path, is_json: bool) -> None:
    """Lift every lasting halt, and trade again.

    The kill-switch file (HALT in the data directory) must be removed first. A cause that persists,
    such as a limit that is still broken, halts again at once.

    A window that was stopped by its stop loss stays stopped until it is over, and is named.

    Exit codes: 0 nothing is halted or stopped any more, 1 otherwise: the line says what blocks.
    """
    reply = shared.ask_system(data_dir, "resume", reason=reason or "resumed by hand", series=series)
    status = _show(reply, is_json)
    halts = halts_of(status.halts, series) if series else status.halts
    if halts or status.passing_reason or status.stop_reason:
        raise click.exceptions.Exit(ExitCode.FAILED)


@command(
    examples={
        "understudy flatten": "halt, cancel, and sell any excess of one side",
        "understudy flatten --wait 0 --json": "do not wait for the sales",
    },
)
@_series_option
@_reason_option
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the sales to finish.",
)
@shared.data_dir_option
@shared.json_option
def flatten(series: str, reason: str, wait_s: float, data_dir: Path, is_json: bool) -> None:
    """Halt, cancel every order, and sell the excess of one side in each open window.

    It is sold at the best bid, fill-and-kill, repeatedly until nothing is left that the venue
    accepts. Complete pairs are kept: whoever wins, one YES and one NO together pay exactly $1. The
    result names what was sold, its average price, the fees, and the result against its cost.

    Exit codes: 0 no excess is held, 1 some is, and the last line says why.
    """
    reply = shared.ask_system(
        data_dir, "flatten", reason=reason or "flattened by hand", series=series
    )
    deadline = time.monotonic() + wait_s
    while not _is_settled(_in(series, _status(reply))) and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_S)
        reply = shared.ask_system(data_dir, "halts")
    status = _in(series, _status(reply))
    sales = _sales(data_dir, status)
    if is_json:
        shared.print_json({**reply, "sold": [sale.json for sale in sales]})
    else:
        echo_shown("\n".join([_words(status), *(sale.words for sale in sales)]))
    if not status.is_flat:
        shared.fail(_what_is_left(status))


def _sales(data_dir: Path, status: HaltStatus) -> list[FlattenSale]:
    """What has been sold since the flatten in force began."""
    since_ms = min((halt.since_ms for halt in status.halts if halt.flattens), default=None)
    if since_ms is None:
        return []
    with opened(data_dir) as archive:
        return flatten_sales(archive, since_ms)


def _in(series: str, status: HaltStatus) -> HaltStatus:
    """The status with what is left in one series only; of all of them if none is named."""
    if not series:
        return status
    own = next((each for each in status.excesses if each.series == series), None)
    return attrs.evolve(
        status,
        excess_side=None if own is None else own.side,
        excess_units=0 if own is None else own.units,
        excess_note="" if own is None else own.note,
        is_excess_final=own is not None and own.is_final,
        excesses=() if own is None else (own,),
        live_count=status.live_by_series.get(series, 0),
    )


def _is_settled(status: HaltStatus) -> bool:
    return status.live_count == 0 and (status.is_flat or status.is_excess_final)


def _pull(directory: Path, reason: str, why: str, is_json: bool, *, runs: bool) -> None:
    """Write the kill-switch file, because no system has answered."""
    if not directory.is_dir():
        shared.fail(f"{why}, and there is no directory {directory} to halt", ExitCode.BAD_INPUT)
    try:
        path = pull_kill_switch(directory, reason)
    except OSError as error:
        shared.fail(f"{why}, and the kill-switch file cannot be written: {error}")
    if is_json:
        shared.print_json({"kill_switch": str(path), "why": why})
    else:
        echo_shown(f"{why}: {path} is written, and what runs or starts there halts")
        echo_shown("to trade again, remove it and call understudy resume")
    if runs:
        raise click.exceptions.Exit(ExitCode.FAILED)


def _status(reply: Reply) -> HaltStatus:
    return cattrs.structure(reply, HaltStatus)


def _show(reply: Reply, is_json: bool) -> HaltStatus:
    status = _status(reply)
    if is_json:
        shared.print_json(reply)
    else:
        echo_shown(_words(status))
    return status


def _words(status: HaltStatus) -> str:
    why = halt_words(status.halts, status.passing_reason)
    state = f"halted: {why}" if why else "trading"
    if status.stop_reason:
        state += f"; {status.stop_reason}, until it is over"
    count, cancelling = status.live_count, status.cancelling_count
    if not count:
        return f"{state}; no order is live"
    orders = f"{count} order is live" if count == 1 else f"{count} orders are live"
    return f"{state}; {orders}, {cancelling} being cancelled"


def _what_is_left(status: HaltStatus) -> str:
    if status.live_count:
        return f"{status.live_count} orders have not ended yet; it goes on"
    if status.excess_side is None:
        return f"{status.excess_note}; it goes on"
    several = len(status.excesses) > 1
    told = [
        f"{size_text(each.units)} {each.side.value} are left"
        f"{f' in {each.series}' if several else ''}{f': {each.note}' if each.note else ''}"
        for each in status.excesses
        if each.side is not None
    ]
    left = "; ".join(told)
    return left if status.is_excess_final else f"{left}; it goes on"
