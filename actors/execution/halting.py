"""Halts: why nothing is traded, what is cancelled, and what is reported.

A named halt (by a person, the kill-switch file, a limit or the executor) is recorded in the desk's
saved state, so it outlasts the desk, the system and the machine until someone resumes. A halt
without a name (the end of the run, an escalation, a journal that cannot be written) ends with the
process, since starting the system again is a decision to trade. The cancels of a halt are repeated
until they are done: to each Order, and to the real executor, which also knows orders whose Order
has crashed and may cancel the whole account.
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
    """Set a lasting halt; a new one, or one that a person repeats, cancels everything again."""
    halts = with_halt(desk.state.halts, halt)
    is_new = is_asked or halts != desk.state.halts
    cancels = _cancel_for(desk, halt, now_ms, is_new=is_new) if halt.cancels else []
    if halts == desk.state.halts:
        return [*cancels, *desk.tell_changes(now_ms)]
    desk.state = attrs.evolve(desk.state, halts=halts)
    log = Log("warning", f"trading is halted: {halt.sentence}")
    # The cancels only reduce risk, so they need not wait for a journal that may be unwritable.
    record = Record(Halted(halt), (desk.save(),))
    return [*cancels, record, log, *desk.tell_changes(now_ms)]


def halt_in_passing(desk: DeskMemory, message: HaltTrading, now_ms: int) -> Effects:
    """Halt until this process ends; repeating this has no effect."""
    is_new, desk.passing = message != desk.passing, message
    cancels = _cancel_all(desk, message.reason, now_ms, is_new=is_new) if message.cancel else []
    return [*cancels, *desk.tell_changes(now_ms)]


def lift(desk: DeskMemory, message: ResumeTrading, now_ms: int) -> Effects:
    """Lift every lasting halt; a cause that persists halts again by itself."""
    lifted = tuple(halt for halt in desk.state.halts if message.series in ("", halt.series))
    if not lifted:
        return []
    left = tuple(halt for halt in desk.state.halts if halt not in lifted)
    desk.state = attrs.evolve(desk.state, halts=left)
    desk.try_sales_again()
    if not desk.passing_halt and not message.series:
        desk.unconfirmed = None  # repeated later, it would cancel orders placed since
    resumed = Resumed(who=message.who, reason=message.reason, lifted=lifted)
    return [Record(resumed, (desk.save(),)), *desk.tell_changes(now_ms)]


def take_back_again(desk: DeskMemory) -> None:
    """After a restart, ask again each round for what a halt had cancelled."""
    for halt in desk.state.halts:
        if halt.cancels:
            _cancel_for(desk, halt, halt.since_ms, is_new=True)


def ask_executor(desk: DeskMemory) -> Effects:
    """Ask the real executor to cancel everything, unless it has confirmed that already."""
    return [] if desk.unconfirmed is None else [Send(EXECUTOR, desk.unconfirmed)]


def _cancel_for(desk: DeskMemory, halt: Halt, asked_at_ms: int, *, is_new: bool) -> Effects:
    """Cancel what a halt cancels: all orders, or those of one series."""
    if not halt.series:
        return _cancel_all(desk, halt.reason, asked_at_ms, is_new=is_new)
    live = desk.open_orders.live()
    return cancel((e for e in live if e.intent.market.series == halt.series), halt.reason)


def _cancel_all(desk: DeskMemory, reason: str, asked_at_ms: int, *, is_new: bool) -> Effects:
    if is_new and desk.settings.execution.mode == "live":
        desk.unconfirmed = CancelEverything(reason, asked_at_ms)
    return [*cancel(desk.open_orders.live(), reason), *ask_executor(desk)]


def halt_status(desk: DeskMemory, request_id: int, now_ms: int) -> HaltStatus:
    """Report what is halted, and what remains to be done about it."""
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
    """Return what the open windows hold of one side beyond the other, as far as it is known."""
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
    """Return why a window's excess is not sold, and whether that is final."""
    if desk.position(traded.market_id) is None:
        return "the position is not known yet", False
    if not traded.is_open(now_ms):
        return f"{traded.market.slug} has ended: the holding waits for its result", True
    if desk.unconfirmed is not None:
        return "the executor has not cancelled everything yet", False
    if traded.sale_refusal:
        return traded.sale_refusal, True
    if traded.exit_attempts == EXIT_ATTEMPTS_MAX:
        return f"{EXIT_ATTEMPTS_MAX} sales in a row sold nothing", True
    return traded.book_note, False
