"""What the desk answers to whoever halts, resumes, flattens or asks."""

from __future__ import annotations

from collections import Counter

from actors.execution.desk_memory import DeskMemory, TradedWindow
from actors.execution.exits import EXIT_ATTEMPTS_MAX
from actors.execution.holdings import excess_of
from actors.messages.halts import ExcessLeft, HaltStatus


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
