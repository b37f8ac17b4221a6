"""Tests of the contract: whether a strategy is fit to trade.

``check`` tries it on a seeded walk through windows in which anything may be missing. It finds what
can be found without a market; whether a strategy earns anything is a backtest's question.
"""

from __future__ import annotations

import ast
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import attrs

from actors.execution.acceptance import Circumstances, group_refusal, groups_of
from actors.execution.risk import Exposure, broken_limit
from actors.messages.position import PositionSnapshot
from actors.model import Side
from actors.settings import Settings, StrategySettings
from actors.strategy.choice import make_strategy
from actors.strategy.contract import Context, Decision, Strategy
from actors.strategy.loading import chosen_file, only_class
from actors.strategy.saying import evaluated, stop_told, trade_signals
from understudy.strategy.samples import example_context, walk

__all__ = ["CheckReport", "check", "check_file", "example_context", "settings_of_file"]

SLOW_MS = 20.0
"""Processor time that one evaluation may take: a tick's whole way to an order takes less."""

_GIVEN_UP_S = 5.0
"""Real time after which an evaluation counts as endless; a run's heartbeat is shorter."""

_IMPORT_LIMIT_S = 60.0
"""Real time after which running the file is given up; a large library takes seconds."""
_WALK_LIMIT_S = 60.0
"""Real time after which the walk is given up; a sound strategy's takes less than one."""

_SEED = 1
_WORDS_MOST = 160
_OUTSIDE_MODULES = {
    *("asyncio", "datetime", "http", "io", "os", "pathlib", "random", "requests", "secrets"),
    *("shutil", "socket", "sqlite3", "subprocess", "tempfile", "threading", "time", "urllib"),
    "uuid",
}
"""Modules that only an impure strategy needs."""
_OUTSIDE_EVENTS = ("open", "socket.", "subprocess.", "os.", "shutil.", "sqlite3.", "urllib.")


@attrs.frozen(kw_only=True)
class CheckReport:
    """The results of the tests of the contract."""

    problems: tuple[str, ...]
    """One sentence each; with any, the strategy should not trade."""
    notes: tuple[str, ...]
    """What a person should know; not a problem."""
    evaluated_count: int
    ordered_count: int
    slowest_ms: float
    """Processor time of the slowest evaluation."""
    median_ms: float


def settings_of_file(path: Path, class_name: str = "") -> StrategySettings:
    """Settings that use a file's strategy, with the defaults of its parameters.

    Raises:
        StrategyUnavailable: the file cannot be run, or the class must be named.
    """
    file = chosen_file(path, class_name)
    if not class_name:
        with _interrupted_after(_IMPORT_LIMIT_S):
            file = attrs.evolve(file, class_name=only_class(file))
    return StrategySettings(use=f"{file.path}:{file.class_name}", file=file)


def check_file(path: Path, class_name: str = "") -> list[str]:
    """Problems of a file's strategy, with the defaults of its parameters; none if it is sound.

    Raises:
        StrategyUnavailable: the file cannot be run, or the class must be named.
    """
    return list(check(Settings(strategy=settings_of_file(path, class_name))).problems)


def check(settings: Settings) -> CheckReport:
    """Test the strategy that the settings name.

    Raises:
        StrategyUnavailable: there is none, or it cannot be made.
    """
    rules = settings.strategy
    contexts = list(walk(rules, _SEED))
    trial = _Trial(make_strategy(rules))
    watch = _Watch()
    with watch:
        decisions = trial.run(contexts)
    times = sorted(trial.times_ms) or [0.0]
    problems = [*trial.problems, *_of_slowness(times)]
    if not problems:
        problems += _of_repetition(make_strategy(rules), trial.contexts, decisions)
        problems += _of_the_future(make_strategy(rules), contexts, decisions)
        problems += _of_pickling(decisions)
        problems += _of_sense(settings, make_strategy(rules), trial.contexts, decisions)
    notes = [*watch.notes()]
    if rules.file is not None:
        notes += _of_imports(Path(rules.file.path))
    ordered = sum(len(decision.orders) for decision in decisions)
    if not ordered and not problems:
        notes.append("it ordered nothing in the whole walk: nothing is known of its orders")
    return CheckReport(
        problems=tuple(dict.fromkeys(problems)),
        notes=tuple(dict.fromkeys(notes)),
        evaluated_count=len(decisions),
        ordered_count=ordered,
        slowest_ms=times[-1],
        median_ms=times[len(times) // 2],
    )


class Endless(BaseException):
    """Something does not end; a strategy's own ``except Exception`` cannot catch this."""


@contextmanager
def _interrupted_after(limit_s: float) -> Iterator[None]:
    """End the block with Endless after this long; in the main thread, which gets signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise Endless(f"it has not ended within {limit_s:g} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class _Trial:
    """Leads one strategy through contexts, as its actor would."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._memory: tuple[str, object] = ("", None)
        self.contexts: list[Context] = []
        """As they were evaluated, with the strategy's memory."""
        self.problems: list[str] = []
        self.times_ms: list[float] = []

    def run(self, contexts: Iterable[Context]) -> list[Decision]:
        """Evaluate one after the other, up to the first problem."""
        decisions: list[Decision] = []
        started_s = time.monotonic()
        for context in contexts:
            if time.monotonic() - started_s > _WALK_LIMIT_S:
                self.problems.append(
                    f"it is too slow: {len(decisions)} evaluations took {_WALK_LIMIT_S:g} s"
                )
                break
            decision = self.step(context)
            if decision is None:
                break
            decisions.append(decision)
        return decisions

    def step(self, context: Context) -> Decision | None:
        market_id = context.market.market_id
        remembered_id, memory = self._memory
        context = attrs.evolve(context, memory=memory if remembered_id == market_id else None)
        started_ns = time.thread_time_ns()
        try:
            with _interrupted_after(_GIVEN_UP_S):
                decision: object = self._strategy.evaluate(context)
                value = self._strategy.fair_value(context)
        except Endless:
            self.problems.append(
                f"an evaluation has not ended within {_GIVEN_UP_S:g} s, where "
                f"{_described(context)}; in a run its process would be killed"
            )
            return None
        except (Exception, SystemExit) as error:  # what a strategy raises is what is to be found
            self.problems.append(_raised(error, context))
            return None
        self.times_ms.append((time.thread_time_ns() - started_ns) / 1e6)
        if not isinstance(decision, Decision):
            what = type(decision).__name__
            self.problems.append(f"evaluate returned {what}, and must return a Decision")
            return None
        try:
            evaluated(decision, context, value)
            trade_signals(decision, context, signals_id=1, orders_per_side=1)
            if decision.stop is not None:
                stop_told(decision.stop, context)
        except (TypeError, ValueError) as error:
            self.problems.append(str(error))
            return None
        self.contexts.append(context)
        self._memory = (market_id, decision.memory)
        return decision


def _raised(error: BaseException, context: Context) -> str:
    frames = [
        (frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    own = [(name, line) for name, line in frames if not name.startswith(sys.prefix)]
    where = f" in {Path(own[-1][0]).name}, line {own[-1][1]}," if own else ""
    return (
        f"it raises {type(error).__name__}: {error}".partition("\n")[0]
        + f";{where} where {_described(context)}"
    )


def _described(context: Context) -> str:
    """What is special about a context, for whoever looks for a mistake."""
    snapshot, parts = context.snapshot, []
    for side in Side:
        book = context.book(side)
        if not book.is_synced:
            parts.append(f"the {side.value} book is not synced")
        if book.best_bid_ticks is None:
            parts.append(f"no one buys {side.value}")
        if book.best_ask_ticks is None:
            parts.append(f"no one sells {side.value}")
    if snapshot.reference_e18 is None:
        parts.append("there is no reference price")
    if snapshot.strike is None:
        parts.append("there is no strike")
    if context.sigma_dollars is None:
        parts.append("the volatility is not known")
    if context.memory is None:
        parts.append("there is no memory yet")
    parts.append(f"{context.left_ms / 1000:.0f} s are left")
    return ", ".join(parts)


def _of_slowness(sorted_times_ms: Sequence[float]) -> Iterator[str]:
    """Report slowness; one slow call may be the machine's, one in twenty is the strategy's."""
    usual_most_ms = sorted_times_ms[len(sorted_times_ms) * 19 // 20]
    if usual_most_ms > SLOW_MS:
        yield (
            f"it is too slow: one evaluation in twenty takes {usual_most_ms:.1f} ms or more, and "
            f"{SLOW_MS:g} ms are allowed"
        )


def _of_repetition(
    strategy: Strategy, contexts: Sequence[Context], decisions: Sequence[Decision]
) -> Iterator[str]:
    """The same context gives the same decision, also out of order and in a fresh instance."""
    for context, decision in reversed(list(zip(contexts, decisions, strict=True))):
        again = strategy.evaluate(context)
        if again != decision:
            yield (
                f"the same context gives two decisions: {_shown(decision)} and {_shown(again)}; "
                "does it keep something outside of memory, or draw random numbers?"
            )
            return


def _of_the_future(
    strategy: Strategy, contexts: Sequence[Context], decisions: Sequence[Decision]
) -> Iterator[str]:
    """Later contexts change nothing: a shortened walk is decided the same."""
    cut = len(contexts) // 3
    first = _Trial(strategy).run(contexts[:cut])
    for earlier, whole in zip(first, decisions, strict=False):
        if earlier != whole:
            yield (
                f"what comes later changes what was decided before: {_shown(whole)} becomes "
                f"{_shown(earlier)} when the rest is cut off"
            )
            return


def _of_pickling(decisions: Sequence[Decision]) -> Iterator[str]:
    """Decisions can be pickled, as they cross processes."""
    for decision in decisions:
        try:
            crossed = pickle.loads(pickle.dumps(decision))  # noqa: S301  # our own bytes
        except Exception as error:  # pickle raises whatever a value's class raises
            yield f"its decision cannot be pickled: {type(error).__name__}: {error}"
            return
        if crossed != decision:
            yield f"its decision is another one after it was pickled: {_shown(decision)}"
            return


def _of_sense(
    settings: Settings,
    strategy: Strategy,
    contexts: Sequence[Context],
    decisions: Sequence[Decision],
) -> Iterator[str]:
    """What the desk and the venue would refuse, if nothing else were in the way."""
    for context, decision in zip(contexts, decisions, strict=True):
        known = {order.order_id for order in context.orders}
        for cancel in decision.cancels:
            if cancel.order_id not in known:
                yield f"it cancels {cancel.order_id!r}, which is not one of its orders"
                return
        if decision.stop is not None and not context.position.quantity_units(decision.stop.side):
            yield f"it stops the window for {decision.stop.side.value}, of which nothing is held"
            return
        if decision.orders and context.unready_reason():
            yield f"it orders although {context.unready_reason()}; see Context.unready_reason"
            return
        for objection in _objections(settings, strategy, context, decision):
            yield f"an order would be refused: {objection}"
            return


def _objections(
    settings: Settings, strategy: Strategy, context: Context, decision: Decision
) -> Iterator[str]:
    message = trade_signals(
        decision, context, signals_id=1, orders_per_side=strategy.orders_per_side
    )
    at, exposure = _circumstances(settings, context), _exposure(context)
    for group in groups_of(message):
        reason = group_refusal(group, at) if group.signals else None
        if reason is not None:
            yield reason
            continue
        broken = broken_limit(group, exposure, settings) if group.signals else None
        if broken is not None:
            yield f"{broken.reason} ({broken.limit})"


def _circumstances(settings: Settings, context: Context) -> Circumstances:
    busy: dict[Side, tuple[str, ...]] = {
        side: tuple(order.order_id for order in context.orders_on(side)) for side in Side
    }
    return Circumstances(
        now_ms=context.now_ms,
        market=context.market,
        is_over=False,
        halt_reason="",
        stop_reason="",
        position_version=context.position.position_version,
        required_version=0,
        accepted=(0, 0),
        busy=busy,
        sellable_units={side: context.sellable_units(side) for side in Side},
        order_ttl_ms=settings.execution.order_ttl_ms,
        max_book_age_ms=settings.strategy.max_book_age_ms,
        settings_number=0,
    )


def _exposure(context: Context) -> Exposure:
    """The exposure if nothing else were under way: what one order alone would exceed."""
    position = PositionSnapshot(
        market_id=context.market.market_id,
        version=context.position.position_version,
        yes=context.position.yes,
        no=context.position.no,
        fees_nanos=context.position.fees_nanos,
        realized_nanos=0,
    )
    return Exposure(
        position=position,
        purchases=(),
        account_cost_nanos=0,
        live_count=len(context.orders),
        minute_count=0,
        day_loss_nanos=0,
    )


def _of_imports(path: Path) -> Iterator[str]:
    """Modules that only impure code needs; reported only, as they may be used harmlessly."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        for name in names:
            if name.partition(".")[0] in _OUTSIDE_MODULES:
                yield (
                    f"line {getattr(node, 'lineno', 0)} imports {name}: a strategy that reads a "
                    "clock, a file or a network, or draws, decides differently in a backtest"
                )


class _Watch:
    """Records the interpreter's audit events of files, sockets and processes during decisions."""

    _active: _Watch | None = None
    _is_hooked = False

    def __init__(self) -> None:
        self._seen: dict[str, None] = {}

    def __enter__(self) -> _Watch:
        cls = type(self)
        if not cls._is_hooked:
            cls._is_hooked = True
            sys.addaudithook(_on_audit)  # it cannot be removed again, and is inactive from then on
        cls._active = self
        return self

    def __exit__(self, *_exception: object) -> None:
        type(self)._active = None

    def note(self, event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(_OUTSIDE_EVENTS):
            first = f" {arguments[0]!r}" if arguments else ""
            self._seen[f"{event}{first}"[:_WORDS_MOST]] = None

    def notes(self) -> Iterator[str]:
        for seen in self._seen:
            yield f"while it decided it reached outside: {seen}; a backtest does so each time"


def _on_audit(event: str, arguments: tuple[object, ...]) -> None:
    watch = _Watch._active
    if watch is not None:
        watch.note(event, arguments)


def _shown(decision: Decision) -> str:
    """Describe a decision in short."""
    parts = [
        f"{order.action.value} {order.side.value} {order.size_units} at {order.price_ticks}"
        for order in decision.orders
    ]
    parts += [f"cancel {cancel.order_id}" for cancel in decision.cancels]
    if decision.stop is not None:
        parts.append(f"stop {decision.stop.side.value}")
    text = ", ".join(parts) or "nothing"
    reasons = "; ".join(decision.reasons)
    return f"{text} ({reasons})"[:_WORDS_MOST]
