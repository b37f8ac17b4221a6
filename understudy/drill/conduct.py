"""Conducts a drill: one injection after the other on a system that trades, and the verdict."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import attrs

from actors.position.ledger import WindowLedger
from actors.runtime.journal import JournalReader
from actors.runtime.pause_points import LOOP, RAISE, Held, Trap
from actors.series import series_named, series_of
from audit.books import read_books
from audit.reconciliation import reconcile
from audit.verdict import AuditVerdict, judge
from understudy.drill.plan import EVERYTHING, FOREGROUND, LOGGER, Means, Step
from understudy.drill.processes import send, wait_for
from understudy.drill.recovery import (
    Aim,
    aim,
    aim_at_actor,
    in_flight,
    open_orders,
    served_since_ms,
    unserved,
)
from understudy.drill.system import DrilledSystem, RunEnded, Seen
from understudy.drill.witness import ExchangeWitness, Witness
from understudy.running.foreground import ORDERLY_END_S
from understudy.settings.options import DrillStage

_SERVE_LIMIT_S = 180.0
"""A system that does not serve for this long after an injection has failed its drill. It is far
more than recovery takes: those times are in the drill's result, and a busy machine is not a
failure."""
_POINT_WINDOWS = 1.5
"""By then every pause point has been passed."""
_TRADE_WINDOWS = 3
"""One window lost to the injections, one to trade in, and one in reserve."""

_ACTS = {Means.RAISE: RAISE, Means.LOOP: LOOP}
_SIGNALS = {Means.KILL: signal.SIGKILL, Means.STOP: signal.SIGSTOP}

_Found = TypeVar("_Found")


class DrillFailed(Exception):
    """The drill cannot go on; the sentence says what was waited for in vain."""


@attrs.frozen(kw_only=True)
class Recovery:
    """The outcome of one injection."""

    step: Step
    was_at_point: bool
    """Whether it hit at its pause point; False also without one."""
    orders_in_flight: int
    recovered_ms: int
    """Real time from the injection until everything that died served again, with its state."""


@attrs.frozen
class DrilledAccount:
    """The account of live orders, and who has independent books of it."""

    witness: ExchangeWitness
    deposit_nanos: int


class Drill:
    """One system, and its injections."""

    def __init__(
        self,
        system: DrilledSystem,
        stage: DrillStage,
        witness: Witness,
        account: DrilledAccount | None = None,
        windows: int = 1,
        serve_limit_s: float = _SERVE_LIMIT_S,
    ) -> None:
        self._system = system
        self._points = stage.pause_points_dir
        longest_ms = max(series_named(name).window_ms for name in system.series)
        self._window_s = longest_ms / 1_000 / stage.clock.speed
        self._witness = witness
        self._account = account
        self._windows = windows
        self._serve_limit_s = serve_limit_s
        self.verdict = AuditVerdict()
        """The findings so far."""
        self.traded = {"orders": 0, "fills": 0, "windows": 0}
        """The amount of trading that the verdict covers."""

    def conduct(
        self, steps: Iterable[Step], on_recovery: Callable[[Recovery], None]
    ) -> AuditVerdict:
        """Inject all faults, end the system, and audit what it leaves.

        A system that keeps the drill waiting is a finding, and its books are audited all the same.

        Args:
            steps: the injections, in order.
            on_recovery: called with each recovery as soon as there is one.
        """
        try:
            self._system.start()
            self._until("answers", self._system.look)
            self._reader = JournalReader(self._system.data_dir)
            try:
                self._trouble(steps, on_recovery)
            except DrillFailed as failed:
                self.verdict.findings.append(str(failed))
            self._end()
        except (DrillFailed, RunEnded) as failed:
            self.verdict.findings.append(str(failed))
        finally:
            self._system.kill_all()
        return self.verdict

    def _trouble(self, steps: Iterable[Step], on_recovery: Callable[[Recovery], None]) -> None:
        """Inject all faults, and see the system trade afterwards."""
        self.settle()
        for step in steps:
            time.sleep(step.delay_s)
            on_recovery(self._strike(step))
            self.settle()
        if self._account is not None:
            self._account.witness.call_off()
        self._trade_on()

    def _until(
        self, what: str, look: Callable[[], _Found | None], limit_s: float | None = None
    ) -> _Found:
        limit_s = self._serve_limit_s if limit_s is None else limit_s
        found = wait_for(look, limit_s)
        if found is None:
            raise DrillFailed(f"within {limit_s:g} s it did not become true that the system {what}")
        return found

    @property
    def _point_limit_s(self) -> float:
        return _POINT_WINDOWS * self._window_s

    # One injection

    def _strike(self, step: Step) -> Recovery:
        injection = step.injection
        before = self._until("answers", self._system.look)
        trap = (
            Trap(self._points, injection.point, _ACTS.get(injection.means, ""))
            if injection.point
            else None
        )
        try:
            held = wait_for(trap.held, self._point_limit_s) if trap is not None else None
            began_ms = _now_ms()
            orders_in_flight = len(in_flight(self._reader))
            if injection.means is Means.RAISE:
                aimed = aim_at_actor(self._raised(injection.target, held), before)
            else:
                what = f"has a {injection.target} to strike"
                aimed = self._until(what, lambda: self._aim(step, held))
            if injection.means in _SIGNALS:
                began_ms = _now_ms()
                send(_SIGNALS[injection.means], aimed.hit)
        finally:
            if trap is not None:
                trap.release()
        if injection.target in (FOREGROUND, EVERYTHING):
            self.start_again()
        serves = f"serves {injection.target} again"
        served_since_ms = self._until(serves, lambda: self._served_since_ms(aimed))
        return Recovery(
            step=step,
            was_at_point=held is not None,
            orders_in_flight=orders_in_flight,
            recovered_ms=max(0, served_since_ms - began_ms),
        )

    def _raised(self, target: str, held: Held | None) -> str:
        """Role of the actor whose core was made to raise."""
        if held is None:
            raise DrillFailed(f"{target} has handled nothing for {self._point_limit_s:g} s")
        return held.role

    def _aim(self, step: Step, held: Held | None) -> Aim | None:
        seen = self._system.look()
        if seen is None:
            return None
        return aim(step, held, self._system, seen, in_flight(self._reader))

    def _served_since_ms(self, aimed: Aim) -> int | None:
        seen = self._system.look()
        if seen is None:
            return None
        if aimed.roles == {LOGGER}:
            pid = self._system.logger_pid(seen)
            return None if pid is None or pid in aimed.gone else _now_ms()
        still_open = open_orders(self._reader)
        return served_since_ms(aimed, seen, still_open, _now_ms())

    def start_again(self) -> None:
        """Restart the system like a service manager when the foreground process has gone.

        Raises:
            DrillFailed: it has not gone.
        """
        if self._system.wait_for_end(ORDERLY_END_S) is None:
            raise DrillFailed(f"the foreground process has not ended in {ORDERLY_END_S:g} s")
        self._count_outliving()
        self._system.start()

    def _count_outliving(self) -> None:
        left = self._system.outliving()
        if left:
            sentence = f"processes {sorted(left)} outlived their system"
            self.verdict.find("processes_left", sentence, len(left))
            send(signal.SIGKILL, left)

    # Between injections, and after the last

    def settle(self) -> None:
        """Wait until every role is served, and each order open now has an actor or is closed.

        Raises:
            DrillFailed: it takes too long.
            RunEnded: nobody answers any more.
        """
        orders = open_orders(self._reader)
        missing: frozenset[str] = frozenset()

        def whole() -> Seen | None:
            nonlocal missing
            seen = self._system.look()
            if seen is None:
                return None
            missing = unserved(seen, orders & open_orders(self._reader))
            return None if missing else seen

        try:
            self._until("is whole", whole)
        except DrillFailed as failed:
            who = f"; nobody serves {', '.join(sorted(missing))}" if missing else ""
            raise DrillFailed(f"{failed}{who}") from failed
        self.ask_exchange()

    def ask_exchange(self) -> None:
        """Note the exchange's outcomes of settled windows, which it does not keep for ever."""
        for window in self._reader.states("position", open_only=False):
            if isinstance(window, WindowLedger) and window.is_settled:
                self._witness.ask(window.market.slug)

    def _trade_on(self) -> None:
        """Wait until in each series an order made since has ended, and windows have settled."""
        after_seq, _ = self._reader.last_event()

        def traded() -> bool | None:
            made = {
                intent["order_id"]: series_of(intent["market"]["slug"])
                for event in self._reader.events(kind="OrdersCreated", after_seq=after_seq)
                for intent in event.body["intents"]
            }
            closed = self._reader.events(kind="OrderClosed", after_seq=after_seq)
            ended = {made.get(event.order_id or "") for event in closed}
            settled = sum(1 for _ in self._reader.events(kind="WindowFinished"))
            return (
                True if ended.issuperset(self._system.series) and settled >= self._windows else None
            )

        what = f"trades on in every series, and has settled windows: {self._windows}"
        self._until(what, traded, _TRADE_WINDOWS * self._windows * self._window_s)

    def _end(self) -> None:
        """End the run as a person would, and audit it."""
        self._system.tell(signal.SIGTERM)
        code = self._system.wait_for_end(ORDERLY_END_S)
        if code is None:
            raise DrillFailed(f"the system did not end {ORDERLY_END_S:g} s after SIGTERM")
        if code != 0:
            raise RunEnded(f"the run ended with status {code}: {self._system.last_words()}")
        self._count_outliving()
        books = read_books(self._reader)
        self.traded = {
            "orders": len(books.orders),
            "fills": sum(map(len, books.executed.values())),
            "windows": sum(window.is_settled for window in books.windows),
        }
        theirs = self._account.witness.books() if self._account is not None else None
        for window in books.windows:  # after its books: their payouts are final
            self._witness.ask(window.market.slug)
        outcomes = self._witness.outcomes
        judge(books, outcomes, self.verdict)
        if self._account is not None and theirs is not None:
            reconcile(books, theirs, outcomes, self._account.deposit_nanos, self.verdict)
            self.traded["exchange_faults"] = sum(theirs.faults.values())


def _now_ms() -> int:
    """Return host monotonic time, the clock of ``serving_since_ms``."""
    return time.monotonic_ns() // 1_000_000
