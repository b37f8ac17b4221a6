"""The desk's halts: who stops trading and why, what lasts, and how holdings are flattened.

A halt with a name (a person's, the kill-switch file's, a limit's, the executor's) is recorded, is
in the desk's saved state, and so outlives desk, system and machine until someone resumes. A halt
without one (the end of the run, an escalation, a journal that cannot be written) ends with the
process: whoever starts the system again has decided to.

What a halt takes back is asked for until it is over: of each Order, and of the real executor, which
also knows orders whose Order has fallen, and may take the whole account back.
"""

from __future__ import annotations

from collections import Counter

import attrs

from actors.core import Effects, Log, Record, Send, handles
from actors.execution.desk_base import cancel
from actors.execution.desk_state import Halted, Resumed
from actors.execution.exits import EXIT_ATTEMPTS_MAX
from actors.execution.holdings import excess_of
from actors.execution.selling import SellingDesk
from actors.execution.traded_window import TradedWindow
from actors.messages.halts import (
    CancelEverything,
    EverythingCancelled,
    ExcessLeft,
    FlattenHoldings,
    GetHalts,
    Halt,
    HaltStatus,
    HaltTrading,
    ResumeTrading,
    with_halt,
)
from actors.messages.lifecycle import JournalFailed
from actors.roles import EXECUTOR, REPLY


class HaltingDesk(SellingDesk):
    """The part of the desk that stops trading, and lets it go on."""

    @handles(HaltTrading)
    def halt(self, message: HaltTrading, now_ms: int) -> Effects:
        """Take no more signals from anyone; end every order, if asked."""
        if message.who:
            halt = Halt(
                who=message.who,
                reason=message.reason,
                since_ms=now_ms,
                cancels=message.cancel,
                series=message.series,
            )
            return [
                *self._halt(halt, now_ms, is_asked=message.request_id != 0),
                *self._answer(message.request_id, now_ms),
            ]
        is_new, self._passing = message != self._passing, message  # said again, it is nothing new
        cancels = self._cancel_all(message.reason, now_ms, is_new=is_new) if message.cancel else []
        return [*cancels, *self._tell_changes(now_ms)]

    @handles(JournalFailed)
    def halt_unrecorded(self, message: JournalFailed, now_ms: int) -> Effects:
        """Trade nothing that cannot be recorded."""
        reason = f"{message.role} cannot record: {message.reason}"
        return [Log("error", reason), *self.halt(HaltTrading(reason, cancel=True), now_ms)]

    @handles(FlattenHoldings)
    def flatten(self, message: FlattenHoldings, now_ms: int) -> Effects:
        """Halt, cancel everything, and sell what is held of one side only."""
        self._try_sales_again()
        halt = Halt(
            who=message.who,
            reason=message.reason,
            since_ms=now_ms,
            cancels=True,
            flattens=True,
            series=message.series,
        )
        return [
            *self._halt(halt, now_ms, is_asked=True),
            *self._ask_for_books(),
            *self._answer(message.request_id, now_ms),
        ]

    @handles(ResumeTrading)
    def resume(self, message: ResumeTrading, now_ms: int) -> Effects:
        """Lift every halt that lasts; whose cause is still there halts again by itself."""
        halts = self._state.halts
        lifted = tuple(halt for halt in halts if message.series in ("", halt.series))
        left = tuple(halt for halt in halts if halt not in lifted)
        effects: Effects = []
        if lifted:
            self._state = attrs.evolve(self._state, halts=left)
            self._try_sales_again()
            if not self._passing_halt and not message.series:
                self._unconfirmed = None  # said again, it would take back what is ordered now
            resumed = Resumed(who=message.who, reason=message.reason, lifted=lifted)
            effects = [Record(resumed, (self._save(),)), *self._tell_changes(now_ms)]
        return [*effects, *self._answer(message.request_id, now_ms)]

    @handles(GetHalts)
    def show_halts(self, message: GetHalts, now_ms: int) -> Effects:
        """Say what is halted."""
        return self._answer(message.request_id, now_ms)

    @handles(EverythingCancelled)
    def note_cancelled(self, message: EverythingCancelled, now_ms: int) -> Effects:
        """The executor has taken everything back: go on with what waits for that."""
        asked = self._unconfirmed
        if asked is None or asked.asked_at_ms != message.asked_at_ms:
            return []
        self._unconfirmed = None
        return [*self._ask_for_books(), *self._tell_changes(now_ms)]

    # Parts of the above

    def _halt(self, halt: Halt, now_ms: int, *, is_asked: bool = False) -> Effects:
        """Halt; what a person asks for once more, or is new, takes the account back once more."""
        halts = with_halt(self._state.halts, halt)
        is_new = is_asked or halts != self._state.halts
        cancels = self._cancel_for(halt, now_ms, is_new=is_new) if halt.cancels else []
        if halts == self._state.halts:
            return [*cancels, *self._tell_changes(now_ms)]
        self._state = attrs.evolve(self._state, halts=halts)
        log = Log("warning", f"trading is halted: {halt.sentence}")
        # The cancels take risk away: they need not wait for a journal that may be unwritable.
        return [*cancels, Record(Halted(halt), (self._save(),)), log, *self._tell_changes(now_ms)]

    def _try_sales_again(self) -> None:
        for traded in self._windows.values():
            traded.exit_attempts = 0

    def _cancel_for(self, halt: Halt, asked_at_ms: int, *, is_new: bool) -> Effects:
        """End what a halt ends: all orders, or each of one series' by itself."""
        if not halt.series:
            return self._cancel_all(halt.reason, asked_at_ms, is_new=is_new)
        live = self._open_orders.live()
        return cancel((e for e in live if e.intent.market.series == halt.series), halt.reason)

    def _cancel_all(self, reason: str, asked_at_ms: int, *, is_new: bool) -> Effects:
        if is_new and self.settings.execution.mode == "live":
            self._unconfirmed = CancelEverything(reason, asked_at_ms)
        return [*cancel(self._open_orders.live(), reason), *self._ask_executor()]

    def _ask_executor(self) -> Effects:
        """Ask the real executor to take everything back, if it has yet to say that it has."""
        return [] if self._unconfirmed is None else [Send(EXECUTOR, self._unconfirmed)]

    def _cancel_recovered(self) -> None:
        """After a restart: what a halt had cancelled is to be asked to end again, each round."""
        for halt in self._state.halts:
            if halt.cancels:
                self._cancel_for(halt, halt.since_ms, is_new=True)

    def _answer(self, request_id: int, now_ms: int) -> Effects:
        if not request_id:
            return []
        live, excesses = self._open_orders.live(), self._excesses(now_ms)
        first = next(iter(excesses), None)
        status = HaltStatus(
            request_id=request_id,
            halts=self._state.halts,
            passing_reason=self._passing_halt,
            live_count=len(live),
            cancelling_count=sum(bool(entry.cancel_reason) for entry in live),
            excess_side=None if first is None else first.side,
            excess_units=0 if first is None else first.units,
            excess_note="" if first is None else first.note,
            is_excess_final=all(each.is_final for each in excesses) and first is not None,
            stop_reason=self._stop_words(),
            excesses=excesses,
            live_by_series=dict(Counter(entry.intent.market.series for entry in live)),
        )
        return [Send(REPLY, status)]

    def _stop_words(self) -> str:
        stopped = [
            f"{traded.market.slug} is stopped: {reason}"
            for traded in self._windows.values()
            if (reason := self._state.window(traded.market_id).stop_reason)
        ]
        return "; ".join(stopped)

    def _excesses(self, now_ms: int) -> tuple[ExcessLeft, ...]:
        """What the open windows hold of one side, as far as it is known."""
        found = []
        for series, traded in self._windows.items():
            position = self._position(traded.market_id)
            excess = None if position is None else excess_of(position)
            if position is not None and excess is None:
                continue
            note, is_final = self._excess_note(traded, now_ms)
            left = ExcessLeft(
                series=series,
                side=None if excess is None else excess.side,
                units=0 if excess is None else excess.units,
                note=note,
                is_final=is_final,
            )
            found.append(left)
        return tuple(found)

    def _excess_note(self, traded: TradedWindow, now_ms: int) -> tuple[str, bool]:
        """Why a window's excess is not sold, and whether that is final."""
        if self._position(traded.market_id) is None:
            return "the position is not known yet", False
        if not traded.is_open(now_ms):
            return f"{traded.market.slug} is over: what is held waits for its result", True
        if self._unconfirmed is not None:
            return "the executor has not taken everything back yet", False
        if traded.sale_refusal:
            return traded.sale_refusal, True
        if traded.exit_attempts == EXIT_ATTEMPTS_MAX:
            return f"{EXIT_ATTEMPTS_MAX} sales in a row sold nothing", True
        return traded.book_note, False
