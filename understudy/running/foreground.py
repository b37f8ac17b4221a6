"""The foreground process: starts the tree, watches it, shows it, ends it in good order.

It owns no trading state. What it must know (how many windows have settled, the summary) it reads
from the journal and asks of the actors. So it may be killed like any other process: its children
then exit, and the next run on the same data directory recovers.

Whatever else ends a run (a signal, a closed terminal, an error of this process) ends its orders
first.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

from actors.messages.observer import GetView, View
from actors.roles import OBSERVER
from actors.runtime import log
from actors.runtime.clock import Clock, ClockSpec
from actors.runtime.disk_trouble import trouble_of
from actors.runtime.journal import JournalReader
from actors.runtime.journal_file import JournalError, prepare
from actors.runtime.sockets.refusals import REFUSALS
from actors.settings import Settings
from actors.supervision.messages import ChildrenReport
from understudy.composition import supervisor_boot, with_settings
from understudy.control import ControlServer
from understudy.credentials.live import orders_left
from understudy.data_dir.damage import refuse_emptied, see_to_damage
from understudy.data_dir.last_run import note_begin, note_end
from understudy.data_dir.ownership import (
    DataDirLock,
    DirectoryLocked,
    FilesInUse,
    OtherAccount,
    keep_to_account,
)
from understudy.data_dir.upkeep import JournalUpkeep
from understudy.display.events import EventBook
from understudy.display.live_view import LiveView
from understudy.display.status import Status, ps_reply, status_reply
from understudy.display.terminal import only_shown, say, warn
from understudy.processes.companions import Companions
from understudy.processes.end_signals import EndSignals
from understudy.processes.exchange import ExchangeFailed
from understudy.processes.exit_codes import ExitCode
from understudy.processes.tree import ActorTree, TreeFailed, prepare_to_fork, start_tree
from understudy.running.fresh_view import FreshView
from understudy.running.halting import HaltControl, lasting_halts, stopped_windows
from understudy.running.reloading import SettingsControl
from understudy.running.service_manager import ServiceManager
from understudy.running.settled_windows import SettledWindows
from understudy.running.summary import print_summary
from understudy.running.tally import Tally
from understudy.running.trading_place import trading_place
from understudy.running.tree_watch import TreeWatch
from understudy.settings.options import RunOptions

_BEAT_S = 0.1
_ASK_S = 0.3
"""How long one question may wait; short, because a dead supervisor never answers."""
_SETTLE_S = 3.0
"""How long forking processes waits for a running copy of the journal's log."""
ORDERLY_END_S = 90.0
"""Longest orderly end: a live order's outcome may be open for 30 s, and a crashed tree is rebuilt
once to see its orders end."""


def run(options: RunOptions) -> int:
    """Run until the requested windows have settled or someone ends it; return the exit status."""
    try:
        lock = DataDirLock(options.data_dir)
    except DirectoryLocked as locked:
        return _say(str(locked), ExitCode.LOCKED)
    except OSError as error:
        return _say(_disk_text(error, options.data_dir), ExitCode.JOURNAL_UNUSABLE)
    try:
        with EndSignals() as signals:
            return _run(options, signals)
    except JournalError as error:
        return _say(str(error), ExitCode.JOURNAL_UNUSABLE)
    except OSError as error:
        return _say(_disk_text(error, options.data_dir), ExitCode.JOURNAL_UNUSABLE)
    except OtherAccount as other:
        return _say(str(other), ExitCode.BAD_INPUT)
    except (ExchangeFailed, TreeFailed) as error:
        warn(note_end(options.data_dir, str(error), ExitCode.FAILED))
        return _say(str(error), ExitCode.FAILED)
    finally:
        lock.release()


def _disk_text(error: OSError, data_dir: Path) -> str:
    """Say why nothing could be started; an error other than the disk's is raised again."""
    trouble = trouble_of(error, data_dir)
    if not trouble:
        raise error
    return trouble


def _run(options: RunOptions, signals: EndSignals) -> int:
    refuse_emptied(options.data_dir)
    damaged = prepare(options.data_dir)
    keep_to_account(options.data_dir, options.account, is_rehearsal=options.is_rehearsal)
    handled = see_to_damage(options.data_dir, damaged, options.settings.execution.durability)
    for sentence in handled:
        say(sentence)
    log.rotate(options.data_dir)
    warn(note_begin(options.data_dir))
    if options.account:
        # Loading the venue's client takes a second or two. A restarted executor must have it at
        # once, otherwise it counts as hung before it has begun.
        importlib.import_module("actors.execution.real.port")
    if options.is_demo:
        importlib.import_module("venue.cli")  # the exchange is a fork, and shares what is loaded
    prepare_to_fork()
    with trading_place(options) as (settings, clock, exchange_loss):
        foreground = _Foreground(options, settings, clock, signals, exchange_loss)
        foreground.note_damage(handled)
        with foreground.companions:
            return foreground.run_until_done()


def _say(sentence: str, code: ExitCode) -> int:
    say(sentence)
    return code


class _Foreground:
    """One run: a loop that asks, shows, and decides whether it is over."""

    def __init__(
        self,
        options: RunOptions,
        settings: Settings,
        clock: ClockSpec,
        signals: EndSignals,
        exchange_loss: Callable[[], str],
    ) -> None:
        self._options = options
        self._exchange_loss = exchange_loss
        self._signals = signals
        self._limits = settings.supervision
        self._clock = Clock(clock)
        self._lines = log.LineLog(options.data_dir, "foreground", to_stderr=not options.is_terminal)
        REFUSALS.listen(functools.partial(self._lines.write, "warning"))
        self._reloading = SettingsControl(options, settings, self._clock.now_ms())
        if self._reloading.notice:
            self._note_unseen(self._reloading.notice)
        stage = options.drill_stage
        self._boot = supervisor_boot(
            self._reloading.in_force,
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
        self._files = FilesInUse(options.data_dir)
        self._settled = SettledWindows(self._reader, self._start_seq, self._clock.now_ms())
        self._tally = Tally()
        self._tree_watch = TreeWatch(settings.supervision)
        self._report: ChildrenReport | None = None
        self._view: View | None = None
        self._view_request = 0
        self._fresh_view = FreshView()
        self._stop_reason = ""
        self._halting = HaltControl(options.data_dir, options.settings.names)
        self._upkeep = JournalUpkeep(options.data_dir)
        self.companions = Companions(settings, options.data_dir, self._lines.write)
        self._events = EventBook(self._reader, self._clock)
        self._halts = lasting_halts(self._reader)
        self._manager = ServiceManager()
        self._damage_told: set[str] = set()

    def note_damage(self, sentences: Iterable[str]) -> None:
        """Log what was, or is, wrong with rows of the journal; each sentence once."""
        for sentence in sentences:
            if sentence not in self._damage_told:
                self._damage_told.add(sentence)
                self._lines.write("error", sentence)

    def run_until_done(self) -> int:
        """Start, watch, end; the summary comes last."""
        handlers = {
            "ps": self._on_ps,
            "status": self._on_status,
            **self._halting.handlers,
            **self._reloading.handlers,
        }
        control = ControlServer(self._options.data_dir, handlers)
        self._tree = self._new_tree()
        try:
            control.start()
            with LiveView(self._options.is_terminal, self._note_unseen) as live:
                code = self._watch(live)
        except Exception as error:
            code = self._fail(error)
        try:
            self._tell_end(control, code)
        except Exception:  # even if nobody could be told, the orders are ended
            self._lines.write("error", f"the end was not announced: {traceback.format_exc()}")
        try:
            self._end(code)
            self._signals.let_go()  # a terminal that takes nothing can be left by Ctrl-C again
            with only_shown():
                self._print_summary()
        except Exception as error:
            code = self._fail(error)
        left = self._orders_left()
        self.note_damage(self._reader.damage)
        if left:
            _say(left, ExitCode.FAILED)
        if code != ExitCode.OK:
            return _say(self._stop_reason, code)
        return ExitCode.FAILED if left else code

    def _tell_end(self, control: ControlServer, code: ExitCode) -> None:
        self._lines.write("info", f"ending: {self._stop_reason}")
        self._manager.ending(self._stop_reason, ORDERLY_END_S)
        problem = note_end(self._options.data_dir, self._stop_reason, code)
        if code != ExitCode.JOURNAL_UNUSABLE:  # then it is what everything else says, too
            warn(problem)
        control.close()

    def _print_summary(self) -> None:
        if not self._options.settings.is_trading:
            return
        options = self._options
        print_summary(
            self._reader,
            self._tally,
            self._start_seq,
            is_json=options.is_json,
            is_demo=options.is_demo,
        )

    def _orders_left(self) -> str:
        try:
            return orders_left(self._reader)
        except JournalError as error:
            self._lines.write("error", f"what orders are left cannot be read: {error}")
        is_real = self._boot.settings.execution.mode == "live"
        return "which orders the venue may still hold cannot be read: look there" if is_real else ""

    def _note_unseen(self, problem: str) -> None:
        self._lines.write("warning", problem)

    def _fail(self, error: Exception) -> ExitCode:
        """Record an unexpected error; the run is ended in order because of it."""
        if isinstance(error, JournalError):
            self._stop_reason = str(error)
            return ExitCode.JOURNAL_UNUSABLE
        if isinstance(error, TreeFailed):
            self._stop_reason = str(error)
            return ExitCode.GAVE_UP
        self._lines.write("error", f"the foreground failed: {traceback.format_exc()}")
        log_path = self._options.data_dir / log.LOG_NAME
        trouble = trouble_of(error, self._options.data_dir)
        if trouble:
            self._stop_reason = trouble
            return ExitCode.JOURNAL_UNUSABLE
        what = f"{type(error).__name__}: {error}"
        self._stop_reason = f"the run was ended by an error of its own ({what}); see {log_path}"
        return ExitCode.FAILED

    def _end(self, code: ExitCode) -> None:
        """End in good order; if the tree crashed on the way, a new one ends the open orders."""
        self._end_tree(self._tree)
        is_cleared = self._report is not None and self._report.is_cleared
        if code != ExitCode.JOURNAL_UNUSABLE and not is_cleared and self._has_open_orders():
            self._lines.write("warning", "the tree crashed before its orders had ended")
            self._tally.close_tree()
            self._end_tree(self._new_tree())

    def _new_tree(self) -> ActorTree:
        self._upkeep.settle(_SETTLE_S)
        return start_tree(self._boot, self._limits.max_restarts, self._note_failed_start)

    def _note_failed_start(self, sentence: str) -> None:
        self._lines.write("warning", sentence)
        self._manager.beat(self._report)

    def _end_tree(self, tree: ActorTree) -> None:
        try:
            self._take_report(tree.end(self._stop_reason))
        except Exception:
            self._lines.write("error", f"the tree was not ended: {traceback.format_exc()}")
            tree.kill()

    def _watch(self, live: LiveView) -> ExitCode:
        while not self._must_end():
            began = time.monotonic()
            tree = self._tree
            self._take_report(tree.ask_children(_ASK_S))
            self._halting.beat(tree)
            self._tell_settings(tree)
            self._keep_journal()
            self._stop_reason = self._files.loss()
            if self._stop_reason:
                return ExitCode.JOURNAL_UNUSABLE
            self._stop_reason = self._exchange_loss()
            if self._stop_reason:
                return ExitCode.FAILED
            self.companions.beat()
            self._manager.beat(self._report)
            self._halts = lasting_halts(self._reader)
            self._take_view(tree)
            self._events.look(self._report, self._view)
            live.show(self._status())
            crashed = tree.dead_process() or self._hung()
            if crashed is not None:
                too_often = self._tree_watch.rebuild_refusal()
                if too_often:
                    self._stop_reason = f"the {crashed} crashed {too_often}"
                    return ExitCode.GAVE_UP
                self._rebuild(crashed)
            if self._report is not None and self._report.escalation:
                self._stop_reason = self._report.escalation
                is_full = self._report.has_no_journal
                return ExitCode.JOURNAL_UNUSABLE if is_full else ExitCode.GAVE_UP
            if 0 < self._options.windows <= self._settled.count(self._clock.offset_ms):
                self._stop_reason = f"{self._options.windows} windows have settled"
            self._pause(began)
        return ExitCode.OK

    def _tell_settings(self, tree: ActorTree) -> None:
        """Make the supervisor announce reloaded settings until its report shows them."""
        changed = self._reloading.beat(self._clock.now_ms())
        if changed is not None:
            self._boot = with_settings(self._boot, changed)
            self._halting.series = changed.names
            self.companions.adopt(changed)
            self._lines.write("info", f"settings {changed.number} are in force")
        number = self._boot.settings.number
        if self._report is not None and self._report.settings_number < number:
            tree.replace_settings(self._boot)

    def _must_end(self) -> bool:
        self._stop_reason = self._stop_reason or self._signals.name
        return bool(self._stop_reason)

    def _keep_journal(self) -> None:
        self.note_damage(self._reader.damage)
        with contextlib.suppress(OSError):  # a full disk's error: the next beat repeats it
            log.rotate(self._options.data_dir)
        problem = self._upkeep.beat()
        if problem:
            self._lines.write("warning", problem)

    def _pause(self, began: float) -> None:
        left = _BEAT_S - (time.monotonic() - began)
        if left > 0 and not self._must_end():
            time.sleep(left)

    def _take_report(self, report: ChildrenReport | None) -> None:
        if report is not None:
            self._tree_watch.supervisor_answered()
            self._report = report
            self._tally.add(report)
            if report.venue_offset_ms:  # a new tree has not measured it yet
                self._clock.offset_ms = report.venue_offset_ms

    def _take_view(self, tree: ActorTree) -> None:
        if self._options.is_terminal or self._fresh_view.is_wanted:
            self._view_request += 1
            view = tree.ask_role(OBSERVER, GetView(self._view_request), View, _ASK_S)
            self._view = view or self._view
            self._fresh_view.give()

    def _status(self) -> Status:
        return Status(
            view=self._view,
            report=self._report,
            now_ms=self._clock.now_ms(),
            speed=self._clock.spec.speed,
            stakes=self._options.stakes,
            latencies=dict(self._tally.latencies),
            halts=self._halts,
            restarts=self._tally.restarts,
            handled_count=self._tally.handled_count,
            refused_count=self._refused_count(),
            settings=self._boot.settings,
            events=self._events.newest,
        )

    def _hung(self) -> str | None:
        pid = self._report.pid if self._report is not None else 0
        return "supervisor (hung)" if self._tree_watch.is_supervisor_hung(pid) else None

    def _rebuild(self, crashed: str) -> None:
        self._lines.write("warning", f"the {crashed} crashed: the tree is being rebuilt")
        self._tree_watch.note_rebuild()
        self._tally.count_crash(crashed.split()[0])
        self._events.tree_crashed(crashed)
        self._tally.close_tree()
        self._tree.kill()
        self._tree = self._new_tree()

    def _has_open_orders(self) -> bool:
        return bool(self._reader.states("order", open_only=True))

    def _on_ps(self, _request: dict[str, object]) -> dict[str, object]:
        if self._report is None:
            return {"error": "the supervisor has not answered yet"}
        reader = JournalReader(self._options.data_dir)  # this is the control server's thread
        try:
            stopped = stopped_windows(reader, self._clock.now_ms())
        finally:
            reader.close()
        return ps_reply(self._report, self._halts, stopped, self._refused_count())

    def _refused_count(self) -> int:
        return self._tally.refused_count + REFUSALS.count

    def _on_status(self, _request: dict[str, object]) -> dict[str, object]:
        self._fresh_view.wait()
        return status_reply(self._status())
