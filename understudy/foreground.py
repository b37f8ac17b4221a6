"""The foreground process: starts the tree, watches it, shows it, ends it in good order.

It owns no trading state. What it must know (how many windows have settled, what the summary
says) it reads from the journal and asks of the actors, so it may fall like everything else: its
children then leave, and the next run on the same data directory recovers.
"""

from __future__ import annotations

import contextlib
import importlib
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import click

from actors.directory.windows import WindowState
from actors.observer.messages import GetView, View
from actors.roles import OBSERVER
from actors.runtime import log
from actors.runtime.clock import Clock, ClockSpec
from actors.runtime.journal import JournalError, JournalReader, prepare
from actors.settings import Settings
from actors.supervision.messages import ChildrenReport
from understudy.bootstrap import pointed_at_local_exchange, supervisor_boot, with_patience
from understudy.console import LiveView
from understudy.control import ControlServer
from understudy.data_dir import DataDirLock, DirectoryLocked, OtherAccount, keep_to_account
from understudy.exchange_process import ExchangeFailed, ExchangeProcess, ExchangeSetup
from understudy.exit_codes import ExitCode
from understudy.halting import HaltControl, lasting_halts
from understudy.live import orders_left
from understudy.options import RunOptions
from understudy.status import Status, ps_reply
from understudy.summary import Tally, print_summary
from understudy.tree import ActorTree, TreeFailed, prepare_to_fork
from understudy.upkeep import JournalUpkeep

_BEAT_S = 0.1
_ASK_S = 0.3
"""How long one question may wait; short, because a fallen supervisor never answers."""
_PATIENCE_S = 3.0
"""A supervisor that answers nothing for so long is hung: its tree is ended and built anew."""
_HISTORY_MS = 70_000
"""A demo begins so long before a window, so that the averaging price source has a history."""


def run(options: RunOptions) -> int:
    """Run until the asked-for windows have settled or someone ends it; returns the exit status."""
    try:
        lock = DataDirLock(options.data_dir)
    except DirectoryLocked as locked:
        return _say(str(locked), ExitCode.LOCKED)
    try:
        prepare(options.data_dir)
        keep_to_account(options.data_dir, options.account)
        log.rotate(options.data_dir)
        if options.account:
            # Loading the venue's client takes a second or two: an executor that is made again must
            # have it at once, or it counts as hung before it has begun.
            importlib.import_module("actors.execution.real.port")
        prepare_to_fork()
        with _market(options) as (settings, clock):
            return _Foreground(options, settings, clock).run_until_done()
    except JournalError as error:
        return _say(str(error), ExitCode.JOURNAL_UNUSABLE)
    except OtherAccount as other:
        return _say(str(other), ExitCode.BAD_INPUT)
    except (ExchangeFailed, TreeFailed) as error:
        return _say(str(error), ExitCode.FAILED)
    finally:
        lock.release()


def _say(sentence: str, code: ExitCode) -> int:
    click.echo(f"understudy: {sentence}", err=True)
    return code


@contextlib.contextmanager
def _market(options: RunOptions) -> Iterator[tuple[Settings, ClockSpec]]:
    """Give the settings and clock to trade with; for a demo, beside a local exchange."""
    stage = options.drill_stage
    if stage is not None:
        settings = pointed_at_local_exchange(options.settings, stage.http_url, stage.ws_url)
        yield with_patience(settings, stage.clock.speed), stage.clock
        return
    if not options.is_demo:
        yield options.settings, ClockSpec.starting_now()
        return
    series = options.settings.series
    origin_ms = _demo_origin_ms(options.data_dir, series.window_ms)
    clock = ClockSpec.starting_now(origin_ms, options.speed)
    exchange = ExchangeProcess(
        ExchangeSetup(
            clock=clock,
            seed=options.seed,
            asset=series.asset,
            window_minutes=series.window_minutes,
            account=options.account,
        )
    )
    try:
        settings = pointed_at_local_exchange(options.settings, exchange.http_url, exchange.ws_url)
        yield with_patience(settings, options.speed), clock
    finally:
        exchange.stop()


def _demo_origin_ms(data_dir: Path, window_ms: int) -> int:
    """Venue time at which a demo begins: shortly before a window, and after any earlier demo."""
    reader = JournalReader(data_dir)
    _, last_ms = reader.last_event()
    reader.close()
    earliest_ms = max(time.time_ns() // 1_000_000, last_ms + window_ms)
    return -(-earliest_ms // window_ms) * window_ms - _HISTORY_MS


class _Foreground:
    """One run: a loop that asks, shows, and decides whether it is over."""

    def __init__(self, options: RunOptions, settings: Settings, clock: ClockSpec) -> None:
        self._options = options
        self._limits = settings.supervision
        self._clock = Clock(clock)
        self._lines = log.LineLog(options.data_dir, "foreground", to_stderr=not options.is_terminal)
        stage = options.drill_stage
        self._boot = supervisor_boot(
            settings,
            clock,
            options.data_dir,
            seed=options.seed,
            log_to_stderr=not options.is_terminal,
            pause_points_dir=stage.pause_points_dir if stage is not None else None,
            is_real_money_understood=options.is_real_money_understood,
            is_rehearsal=options.is_local,
        )
        self._reader = JournalReader(options.data_dir)
        self._start_seq, _ = self._reader.last_event()
        self._seen_seq = self._start_seq
        self._finished_count = 0
        self._began_ms = self._clock.now_ms()
        self._tally = Tally()
        self._rebuilds: deque[float] = deque()
        self._report: ChildrenReport | None = None
        self._view: View | None = None
        self._view_request = 0
        self._stop_reason = ""
        self._answered_at = time.monotonic()
        self._halting = HaltControl(options.data_dir)
        self._upkeep = JournalUpkeep(options.data_dir)
        self._halts = lasting_halts(self._reader)

    def run_until_done(self) -> int:
        """Start, watch, end; the summary comes last."""
        handlers = {"ps": self._on_ps, **self._halting.handlers}
        control = ControlServer(self._options.data_dir, handlers)
        with self._signals():
            tree = ActorTree(self._boot)
            control.start()
            try:
                with LiveView(self._options.is_terminal) as live:
                    code, tree = self._watch(tree, live)
            except BaseException:
                tree.kill()
                raise
            finally:
                control.close()
            self._lines.write("info", f"ending: {self._stop_reason}")
            self._end(tree, code)
        print_summary(self._reader, self._tally, self._start_seq, is_json=self._options.is_json)
        left = orders_left(self._reader)
        if left:
            _say(left, ExitCode.FAILED)
        if code != ExitCode.OK:
            return _say(self._stop_reason, code)
        return ExitCode.FAILED if left else code

    def _end(self, tree: ActorTree, code: ExitCode) -> None:
        """End in good order; if the tree fell on the way, a new one ends the open orders."""
        self._take_report(tree.end(self._stop_reason))
        is_cleared = self._report is not None and self._report.is_cleared
        if code == ExitCode.OK and not is_cleared and self._has_open_orders():
            self._lines.write("warning", "the tree fell before its orders were over")
            self._tally.close_tree()
            self._take_report(ActorTree(self._boot).end(self._stop_reason))

    def _watch(self, tree: ActorTree, live: LiveView) -> tuple[ExitCode, ActorTree]:
        while not self._stop_reason:
            began = time.monotonic()
            self._take_report(tree.ask_children(_ASK_S))
            self._halting.beat(tree)
            self._keep_journal()
            self._halts = lasting_halts(self._reader)
            self._take_view(tree)
            live.show(self._status())
            fallen = tree.fallen() or self._hung()
            if fallen is not None:
                if not self._may_rebuild():
                    most, period_s = self._limits.max_restarts, self._limits.restart_period_s
                    often = f"more than {most} times in {period_s:g} s"
                    self._stop_reason = f"the {fallen} fell {often}"
                    return ExitCode.GAVE_UP, tree
                tree = self._rebuild(tree, fallen)
            if self._report is not None and self._report.escalation:
                self._stop_reason = self._report.escalation
                is_full = self._report.has_no_journal
                return ExitCode.JOURNAL_UNUSABLE if is_full else ExitCode.GAVE_UP, tree
            if 0 < self._options.windows <= self._finished_windows():
                self._stop_reason = f"{self._options.windows} windows have settled"
            self._pause(began)
        return ExitCode.OK, tree

    def _keep_journal(self) -> None:
        problem = self._upkeep.beat()
        if problem:
            self._lines.write("warning", problem)

    def _pause(self, began: float) -> None:
        left = _BEAT_S - (time.monotonic() - began)
        if left > 0 and not self._stop_reason:
            time.sleep(left)

    def _take_report(self, report: ChildrenReport | None) -> None:
        if report is not None:
            self._answered_at = time.monotonic()
            self._report = report
            self._tally.add(report)

    def _take_view(self, tree: ActorTree) -> None:
        if self._options.is_terminal:
            self._view_request += 1
            view = tree.ask_role(OBSERVER, GetView(self._view_request), View, _ASK_S)
            self._view = view or self._view

    def _status(self) -> Status:
        return Status(
            view=self._view,
            report=self._report,
            now_ms=self._clock.now_ms(),
            speed=self._clock.spec.speed,
            stakes=self._options.stakes,
            latencies=self._tally.latencies,
            halts=self._halts,
        )

    def _hung(self) -> str | None:
        silent_s = time.monotonic() - self._answered_at
        return "supervisor (hung)" if silent_s > _PATIENCE_S else None

    def _may_rebuild(self) -> bool:
        now = time.monotonic()
        while self._rebuilds and now - self._rebuilds[0] > self._limits.restart_period_s:
            self._rebuilds.popleft()
        return len(self._rebuilds) < self._limits.max_restarts

    def _rebuild(self, tree: ActorTree, fallen: str) -> ActorTree:
        self._lines.write("warning", f"the {fallen} fell: building the tree anew")
        self._rebuilds.append(time.monotonic())
        self._tally.count_fall(fallen.split()[0])
        self._tally.close_tree()
        tree.kill()
        self._answered_at = time.monotonic()
        return ActorTree(self._boot)

    def _has_open_orders(self) -> bool:
        return bool(self._reader.states("order", open_only=True))

    def _finished_windows(self) -> int:
        """How many windows have settled of those that this run saw from their start."""
        for event in self._reader.events(kind="WindowFinished", after_seq=self._seen_seq):
            self._seen_seq = event.seq
            for window in self._reader.states("window", event.market_id, open_only=False):
                if isinstance(window, WindowState) and window.market.opens_at_ms >= self._began_ms:
                    self._finished_count += 1
        return self._finished_count

    def _on_ps(self, _request: dict[str, object]) -> dict[str, object]:
        if self._report is None:
            return {"error": "the supervisor has not answered yet"}
        return ps_reply(self._report, self._halts)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(number: int, _frame: object) -> None:
            self._stop_reason = self._stop_reason or signal.Signals(number).name

        before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
            sys.stdout.flush()
