"""Backtests of many recorded windows, in this process or in several; the same bytes either way.

By default every window is traded by an account of its own, which starts empty. Windows then depend
on nothing but their own recording, and can be played in parallel. A continuous backtest uses one
account for all windows in turn, with daily limits.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import multiprocessing
import signal
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import attrs

from actors.series import series_named
from actors.settings import Settings
from research.backtest.account import AccountRun
from research.backtest.kept_tapes import TapeShelf
from research.backtest.outcome import WindowOutcome
from research.backtest.tape import Tape
from research.recordings import BadRecording, Recording, open_recording
from research.recordings.model import SUFFIX
from research.recordings.places import is_remote, list_files, local_path, read_all

_AHEAD = 4
"""How many windows each job may be ahead of the next result, to limit memory."""


@attrs.frozen(kw_only=True)
class BacktestPlan:
    """All inputs of a backtest except the recordings."""

    settings: Settings
    seed: int = 1
    is_continuous: bool = False
    """Whether one account trades all windows in turn."""


@attrs.frozen
class PlayedWindow:
    """A window's outcome, and the digest of its recording."""

    outcome: WindowOutcome
    sha256: str
    """SHA-256 digest of the recording."""


def recordings_at(places: Iterable[str | Path]) -> list[Recording]:
    """Open recordings, or all those in a folder, in window order.

    Raises:
        BadRecording: one cannot be read, there is none, or two are of the same window.
    """
    found: list[Recording] = []
    for place in places:
        is_folder = not str(place).endswith(SUFFIX)
        if is_folder and not is_remote(place) and local_path(place).is_file():
            raise BadRecording(f"{place} is not a recording: those end in {SUFFIX}")
        files = list_files(place, SUFFIX) if is_folder else [place]
        if not files:
            raise BadRecording(f"{place} has no recordings: no name there ends in {SUFFIX}")
        found += map(open_recording, files)
    found.sort(key=lambda each: (each.head.market.opens_at_ms, each.head.market.slug))
    for one, other in itertools.pairwise(found):
        if one.head.market.slug == other.head.market.slug:
            raise BadRecording(f"{one.place} and {other.place} are of the same window")
    return found


def run_backtest(
    plan: BacktestPlan, recordings: Sequence[Recording], jobs: int = 1
) -> Generator[PlayedWindow, None, None]:
    """Play recorded windows; yield their outcomes in order, as soon as each is known.

    Args:
        plan: what is traded, and how.
        recordings: in window order.
        jobs: number of processes; 1 is this one.

    Raises:
        BadRecording: a file cannot be read.
        CoreFailed: a core has raised, such as your own strategy.
    """
    places = [recording.place for recording in recordings]
    if plan.is_continuous or jobs == 1:
        groups = [places] if plan.is_continuous else [[place] for place in places]
        for group in groups:
            yield from _play(plan, group)
        return
    waiting: deque[Future[PlayedWindow]] = deque()
    with worker_pool(min(jobs, max(1, len(places)))) as pool:
        for place in places:
            waiting.append(pool.submit(play_window, plan, place))
            if len(waiting) > jobs * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def play_window(
    plan: BacktestPlan, place: str | Path, shelf: TapeShelf | None = None
) -> PlayedWindow:
    """Play one window with an account of its own; a shelf caches its tape.

    Raises:
        BadRecording: the file cannot be read.
        CoreFailed: a core has raised.
    """
    if shelf is None:
        (played,) = _play(plan, [place])
        return played
    tape, sha256 = shelf.tape(place, plan.settings.backtest.settlement)
    return PlayedWindow(next(_account(plan, tape.recording).play([tape])), sha256)


def _play(plan: BacktestPlan, places: Sequence[str | Path]) -> Iterator[PlayedWindow]:
    settlement = plan.settings.backtest.settlement
    tapes = (Tape(open_recording(place), settlement) for place in places)
    for outcome in _account(plan, open_recording(places[0])).play(tapes):
        yield PlayedWindow(outcome, hashlib.sha256(read_all(outcome.place)).hexdigest())


def _account(plan: BacktestPlan, first: Recording) -> AccountRun:
    """Make the account that trades a window, or several that begin with this one."""
    return AccountRun(_in_series(plan.settings, first), f"{plan.seed}/{first.head.market.slug}")


def _in_series(settings: Settings, recording: Recording) -> Settings:
    """The settings for a recording's series."""
    name = recording.head.series
    try:
        series = series_named(name)
    except ValueError as error:
        raise BadRecording(f"{recording.place}: {error}") from None
    return attrs.evolve(settings.of(name), series=series, traded=())


@contextlib.contextmanager
def worker_pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Provide this many processes, which share no threads with this one and import everything once.

    They leave Ctrl-C to the process that collects the finished windows. Work that has not begun
    when the context ends is dropped.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_ignore_interrupts)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
