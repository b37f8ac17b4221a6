"""The desk's halts: who stops trading and why, what lasts, and how holdings are flattened.

A halt with a name (a person's, the kill-switch file's, a limit's, the executor's) is recorded, is
in the desk's saved state, and so outlives desk, system and machine until someone resumes. A halt
without one (the end of the run, an escalation, a journal that cannot be written) ends with the
process: whoever starts the system again has decided to.

What a halt takes back is asked for until it is over: of each Order, and of the real executor, which
also knows orders whose Order has fallen, and may take the whole account back.
"""

from __future__ import annotations

import attrs

from actors.core import Effects, Log, Record, Send, handles
from actors.execution.desk_base import cancel
from actors.execution.desk_state import Halted, Resumed
from actors.execution.exits import EXIT_ATTEMPTS_MAX
from actors.execution.halt_messages import (
    FlattenHoldings,
    GetHalts,
    Halt,
    HaltStatus,
    ResumeTrading,
)
from actors.execution.halts import with_halt
from actors.execution.holdings import excess_of
from actors.execution.messages import CancelEverything, EverythingCancelled, HaltTrading
from actors.execution.selling import SellingDesk
from actors.messages import JournalFailed
from actors.roles import EXECUTOR, REPLY


class HaltingDesk(SellingDesk):
    """The part of the desk that stops trading, and lets it go on."""

    @handles(HaltTrading)
    def halt(self, message: HaltTrading, now_ms: int) -> Effects:
        """Take no more signals from anyone; end every order, if asked."""
        if message.who:
            halt = Halt(
                who=message.who, reason=message.reason, since_ms=now_ms, cancels=message.cancel
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
        self._exit_attempts = 0
        halt = Halt(
            who=message.who, reason=message.reason, since_ms=now_ms, cancels=True, flattens=True
        )
        return [
            *self._halt(halt, now_ms, is_asked=True),
            *self._ask_for_book(),
            *self._answer(message.request_id, now_ms),
        ]

    @handles(ResumeTrading)
    def resume(self, message: ResumeTrading, now_ms: int) -> Effects:
        """Lift every halt that lasts; whose cause is still there halts again by itself."""
        lifted = self._state.halts
        effects: Effects = []
        if lifted:
            self._state = attrs.evolve(self._state, halts=())
            self._exit_attempts = 0
            if not self._passing_halt:
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
        return [*self._ask_for_book(), *self._tell_changes(now_ms)]

    # Parts of the above

    def _halt(self, halt: Halt, now_ms: int, *, is_asked: bool = False) -> Effects:
        """Halt; what a person asks for once more, or is new, takes the account back once more."""
        halts = with_halt(self._state.halts, halt)
        is_new = is_asked or halts != self._state.halts
        cancels = self._cancel_all(halt.reason, now_ms, is_new=is_new) if halt.cancels else []
        if halts == self._state.halts:
            return [*cancels, *self._tell_changes(now_ms)]
        self._state = attrs.evolve(self._state, halts=halts)
        log = Log("warning", f"trading is halted: {halt.sentence}")
        # The cancels take risk away: they need not wait for a journal that may be unwritable.
        return [*cancels, Record(Halted(halt), (self._save(),)), log, *self._tell_changes(now_ms)]

    def _cancel_all(self, reason: str, asked_at_ms: int, *, is_new: bool) -> Effects:
        if is_new and self.settings.execution.mode == "live":
            self._unconfirmed = CancelEverything(reason, asked_at_ms)
        return [*cancel(self._roster.live(), reason), *self._ask_executor()]

    def _ask_executor(self) -> Effects:
        """Ask the real executor to take everything back, if it has yet to say that it has."""
        return [] if self._unconfirmed is None else [Send(EXECUTOR, self._unconfirmed)]

    def _cancel_recovered(self) -> None:
        """After a restart: what a halt had cancelled is to be asked to end again, each round."""
        for halt in self._state.halts:
            if halt.cancels:
                self._cancel_all(halt.reason, halt.since_ms, is_new=True)

    def _answer(self, request_id: int, now_ms: int) -> Effects:
        if not request_id:
            return []
        live, position = self._roster.live(), self._position()
        excess = None if position is None else excess_of(position)
        note, is_final = self._excess_note(now_ms)
        status = HaltStatus(
            request_id=request_id,
            halts=self._state.halts,
            passing_reason=self._passing_halt,
            live_count=len(live),
            cancelling_count=sum(bool(entry.cancel_reason) for entry in live),
            excess_side=None if excess is None else excess.side,
            excess_units=0 if excess is None else excess.units,
            excess_note=note,
            is_excess_final=is_final,
            stop_reason=self._stop_words(),
        )
        return [Send(REPLY, status)]

    def _stop_words(self) -> str:
        market = self._market
        reason = "" if market is None else self._state.window(market.market_id).stop_reason
        return "" if market is None or not reason else f"{market.slug} is stopped: {reason}"

    def _excess_note(self, now_ms: int) -> tuple[str, bool]:
        """Why the open window's excess is not sold, and whether that is final."""
        market, position = self._market, self._position()
        if market is None:
            return "", False
        if position is None:
            return "the position is not known yet", False
        if excess_of(position) is None:
            return "", False
        if self._is_over or now_ms >= market.closes_at_ms:
            return f"{market.slug} is over: what is held waits for its result", True
        if self._unconfirmed is not None:
            return "the executor has not taken everything back yet", False
        if self._sale_refusal:
            return self._sale_refusal, True
        if self._exit_attempts == EXIT_ATTEMPTS_MAX:
            return f"{EXIT_ATTEMPTS_MAX} sales in a row sold nothing", True
        return self._book_note, False
