"""Halts: why nothing is traded, what they take back, and what is said of them.

A halt with a name (a person's, the kill-switch file's, a limit's, the executor's) is recorded, is
in the desk's saved state, and so outlives desk, system and machine until someone resumes. A halt
without one (the end of the run, an escalation, a journal that cannot be written) ends with the
process: whoever starts the system again has decided to. What a halt takes back is asked for until
it is over: of each Order, and of the real executor, which also knows orders whose Order has fallen,
and may take the whole account back.
"""

from __future__ import annotations

from collections import Counter

import attrs

from actors.core import Effects, Log, Record, Send
from actors.execution.desk_memory import DeskMemory, TradedWindow, cancel
from actors.execution.desk_state import Halted, Resumed
from actors.execution.exits import EXIT_ATTEMPTS_MAX
from actors.execution.holdings import excess_of
from actors.messages.halts import (
    CancelEverything,
    ExcessLeft,
    Halt,
    HaltStatus,
    HaltTrading,
    ResumeTrading,
    with_halt,
)
from actors.roles import EXECUTOR


def halt_lastingly(desk: DeskMemory, halt: Halt, now_ms: int, *, is_asked: bool = False) -> Effects:
    """Halt; what a person asks for once more, or is new, takes the account back once more."""
    halts = with_halt(desk.state.halts, halt)
    is_new = is_asked or halts != desk.state.halts
    cancels = _cancel_for(desk, halt, now_ms, is_new=is_new) if halt.cancels else []
    if halts == desk.state.halts:
        return [*cancels, *desk.tell_changes(now_ms)]
    desk.state = attrs.evolve(desk.state, halts=halts)
    log = Log("warning", f"trading is halted: {halt.sentence}")
    # The cancels take risk away: they need not wait for a journal that may be unwritable.
    record = Record(Halted(halt), (desk.save(),))
    return [*cancels, record, log, *desk.tell_changes(now_ms)]


def halt_in_passing(desk: DeskMemory, message: HaltTrading, now_ms: int) -> Effects:
    """Halt until this process ends; said again, it is nothing new."""
    is_new, desk.passing = message != desk.passing, message
    cancels = _cancel_all(desk, message.reason, now_ms, is_new=is_new) if message.cancel else []
    return [*cancels, *desk.tell_changes(now_ms)]


def lift(desk: DeskMemory, message: ResumeTrading, now_ms: int) -> Effects:
    """Lift every halt that lasts; whose cause is still there halts again by itself."""
    lifted = tuple(halt for halt in desk.state.halts if message.series in ("", halt.series))
    if not lifted:
        return []
    left = tuple(halt for halt in desk.state.halts if halt not in lifted)
    desk.state = attrs.evolve(desk.state, halts=left)
    desk.try_sales_again()
    if not desk.passing_halt and not message.series:
        desk.unconfirmed = None  # said again, it would take back what is ordered now
    resumed = Resumed(who=message.who, reason=message.reason, lifted=lifted)
    return [Record(resumed, (desk.save(),)), *desk.tell_changes(now_ms)]


def take_back_again(desk: DeskMemory) -> None:
    """After a restart: what a halt had cancelled is to be asked to end again, each round."""
    for halt in desk.state.halts:
        if halt.cancels:
            _cancel_for(desk, halt, halt.since_ms, is_new=True)


def ask_executor(desk: DeskMemory) -> Effects:
    """Ask the real executor to take everything back, if it has yet to say that it has."""
    return [] if desk.unconfirmed is None else [Send(EXECUTOR, desk.unconfirmed)]


def _cancel_for(desk: DeskMemory, halt: Halt, asked_at_ms: int, *, is_new: bool) -> Effects:
    """End what a halt ends: all orders, or each of one series' by itself."""
    if not halt.series:
        return _cancel_all(desk, halt.reason, asked_at_ms, is_new=is_new)
    live = desk.open_orders.live()
    return cancel((e for e in live if e.intent.market.series == halt.series), halt.reason)


def _cancel_all(desk: DeskMemory, reason: str, asked_at_ms: int, *, is_new: bool) -> Effects:
    if is_new and desk.settings.execution.mode == "live":
        desk.unconfirmed = CancelEverything(reason, asked_at_ms)
    return [*cancel(desk.open_orders.live(), reason), *ask_executor(desk)]


def halt_status(desk: DeskMemory, request_id: int, now_ms: int) -> HaltStatus:
    """Say what is halted, and what is left to do about it."""
    live, excesses = desk.open_orders.live(), _excesses(desk, now_ms)
    first = next(iter(excesses), None)
    return HaltStatus(
        request_id=request_id,
        halts=desk.state.halts,
        passing_reason=desk.passing_halt,
        live_count=len(live),
        cancelling_count=sum(bool(entry.cancel_reason) for entry in live),
        excess_side=None if first is None else first.side,
        excess_units=0 if first is None else first.units,
        excess_note="" if first is None else first.note,
        is_excess_final=all(each.is_final for each in excesses) and first is not None,
        stop_reason=_stop_words(desk),
        excesses=excesses,
        live_by_series=dict(Counter(entry.intent.market.series for entry in live)),
    )


def _stop_words(desk: DeskMemory) -> str:
    stopped = [
        f"{traded.market.slug} is stopped: {reason}"
        for traded in desk.windows.values()
        if (reason := desk.state.window(traded.market_id).stop_reason)
    ]
    return "; ".join(stopped)


def _excesses(desk: DeskMemory, now_ms: int) -> tuple[ExcessLeft, ...]:
    """What the open windows hold of one side, as far as it is known."""
    found = []
    for series, traded in desk.windows.items():
        position = desk.position(traded.market_id)
        excess = None if position is None else excess_of(position)
        if position is not None and excess is None:
            continue
        note, is_final = _excess_note(desk, traded, now_ms)
        left = ExcessLeft(
            series=series,
            side=None if excess is None else excess.side,
            units=0 if excess is None else excess.units,
            note=note,
            is_final=is_final,
        )
        found.append(left)
    return tuple(found)


def _excess_note(desk: DeskMemory, traded: TradedWindow, now_ms: int) -> tuple[str, bool]:
    """Why a window's excess is not sold, and whether that is final."""
    if desk.position(traded.market_id) is None:
        return "the position is not known yet", False
    if not traded.is_open(now_ms):
        return f"{traded.market.slug} is over: what is held waits for its result", True
    if desk.unconfirmed is not None:
        return "the executor has not taken everything back yet", False
    if traded.sale_refusal:
        return traded.sale_refusal, True
    if traded.exit_attempts == EXIT_ATTEMPTS_MAX:
        return f"{EXIT_ATTEMPTS_MAX} sales in a row sold nothing", True
    return traded.book_note, False
