"""All cores on virtual time, without faults, fed with recorded windows: events a second, a profile.

Run as ``python -m bench.scheduler``. Hosts, groups, scheduler and decoding are the product's own;
the surroundings are the simulation's, without faults: messages take 1 to 3 ms of virtual time, the
journal is in memory. Time is this process's processor time.
"""

from __future__ import annotations

import cProfile
import pstats
import time
from collections import Counter, defaultdict
from pathlib import Path

import msgspec

from actors.core import Record
from actors.runtime.scheduler import Scheduler
from actors.series import SeriesSettings
from actors.settings import Settings, SupervisionSettings
from actors.supervision.layouts import layout_of
from bench.common import Figure, Machine, Row, Table, options, show
from bench.decode import RECORDINGS, imported_recordings
from bench.system import ROOT, add_layout, layouts_of
from research.recordings.serving import RecordedWorld
from simulation.actor_table import ActorTable
from simulation.chance import dice
from simulation.context import SimulatedPort, SimulationContext
from simulation.exchange.exchange import Exchange
from simulation.exchange.ports import Wire
from simulation.journal import MemoryJournal
from simulation.machine import SimulatedMachine
from simulation.plan import HEARTBEAT_LIMIT_MS, FaultRates
from simulation.post import Post
from simulation.simulated_actor import SimulatedActor
from simulation.trace import Trace
from venue.wire.book import PublishedBook
from venue.wire.gamma import event_row, market_row
from venue.world import STEP_MS

SEED = 1
_AFTER_MS = 60_000
"""Virtual time after the last window, for its result."""
_QUICK_MS = 100_000
_NEVER_MS = 2**62
_PROFILED_COUNT = 3
_FUNCTIONS_SHOWN = 15
_NOT_LISTED = (404, b'{"type":"not found error","error":"slug not found"}')


class RecordedExchange(Exchange):
    """The simulation's venue, with recorded windows instead of drawn ones."""

    def __init__(self, scheduler: Scheduler, settings: Settings, replay: RecordedWorld) -> None:
        super().__init__(scheduler, settings, SEED)
        self.frames_count = 0
        self.prices = replay.prices
        self._replay = replay

    def begin(self) -> None:
        """Send what is due now, and go on."""
        for frames in self._replay.advance(self._scheduler.now_ms):
            self.frames_count += len(frames)
            self._publish(frames)
        self._scheduler.after(STEP_MS, self.begin)

    def _row(self, slug: str, *, is_event: bool) -> tuple[int, bytes]:
        market = self._replay.catalogue.with_slug(slug)
        if market is None:
            return _NOT_LISTED
        row = event_row(market.status) if is_event else market_row(market.status)
        return 200, msgspec.json.encode(row)

    def _book(self, token: str) -> PublishedBook | None:
        return self._replay.catalogue.book(token)


class Counts:
    """Watches a run by counting."""

    def __init__(self) -> None:
        self.messages: Counter[str] = Counter()
        """Handled, by class."""
        self.effects_count = 0
        self.complaints: list[str] = []

    def heard(self, _actor: SimulatedActor, message: object) -> None:
        """Count a message."""
        self.messages[type(message).__name__] += 1

    def recorded(self, _actor: SimulatedActor, _record: Record) -> None:
        """Count an effect."""
        self.effects_count += 1

    def said(self, _actor: SimulatedActor, _message: object) -> None:
        """Count an effect."""
        self.effects_count += 1

    def commanded(self, _actor: SimulatedActor, _command: object) -> None:
        """Count an effect."""
        self.effects_count += 1

    def complained(self, actor: SimulatedActor, text: str) -> None:
        """Keep an error that a core has logged."""
        self.complaints.append(f"{actor.role}: {text}")


class _NoTrace(Trace):
    """Keeps no trace."""

    def note(self, at_ms: int, who: str, verb: str, what: object) -> None:
        """Do nothing."""


class Run:
    """One run of recorded windows."""

    def __init__(self, paths: tuple[Path, ...], layout: str, most_ms: int) -> None:
        replay = RecordedWorld(paths)
        windows = [market.status.window for market in replay.catalogue]
        first = windows[0]
        settings = Settings(
            series=SeriesSettings(asset=first.asset, window_minutes=first.minutes),
            supervision=SupervisionSettings(heartbeat_limit_ms=HEARTBEAT_LIMIT_MS),
        )
        ends_at_ms = windows[-1].closes_at_ms + _AFTER_MS
        self.ends_at_ms = min(ends_at_ms, replay.now_ms + most_ms)
        self.length_ms = self.ends_at_ms - replay.now_ms
        self.scheduler = Scheduler(replay.now_ms)
        self.exchange = RecordedExchange(self.scheduler, settings, replay)
        self.counts = Counts()
        actor_table = ActorTable()
        wire = Wire(self.scheduler, self.exchange, FaultRates(), dice(SEED, "wire"))
        context = SimulationContext(
            seed=SEED,
            settings=settings,
            scheduler=self.scheduler,
            post=Post(self.scheduler, FaultRates(), dice(SEED, "post")),
            journal=MemoryJournal(is_encoding=False),
            trace=_NoTrace(),
            watcher=self.counts,
            core_class=actor_table.core_class,
            make_port=lambda actor: _port(actor_table, wire, actor),
        )
        roles = layout_of(layout, tuple(actor_table.permanent), is_live=False)
        self.machine = SimulatedMachine(context, lambda: roles, dice(SEED, "machine"), lambda: None)

    def play(self) -> float:
        """Play it to its end; return processor seconds."""
        began = time.process_time()
        self.exchange.begin()
        self.machine.begin()
        self.scheduler.run_until(self.ends_at_ms)
        return time.process_time() - began


def _port(actor_table: ActorTable, wire: Wire, actor: SimulatedActor) -> SimulatedPort | None:
    make = actor_table.ports.get(actor.role)
    return make(wire, actor) if make is not None else None


def replay_alone(paths: tuple[Path, ...], most_ms: int) -> float:
    """Read and mirror the recordings without any actor; return processor seconds."""
    replay = RecordedWorld(paths)
    ends_at_ms = max(each.status.window.closes_at_ms for each in replay.catalogue) + _AFTER_MS
    began = time.process_time()
    for _ in replay.advance(min(ends_at_ms, replay.now_ms + most_ms)):
        pass
    return time.process_time() - began


def speed_row(paths: tuple[Path, ...], layout: str, most_ms: int, alone_s: float) -> Row:
    """Play all windows once; ``alone_s`` is the recording's share."""
    run = Run(paths, layout, most_ms)
    seconds = run.play()
    counts = run.counts
    handled = counts.messages.total()
    figures: dict[str, Figure] = {
        "processor s": round(seconds, 2),
        "times real time": round(run.length_ms / 1000 / seconds),
        "frames": run.exchange.frames_count,
        "messages handled": handled,
        "messages/s": round(handled / seconds),
        "without the venue": round(handled / max(seconds - alone_s, 0.001)),
        "effects": counts.effects_count,
        "calls/s": round(run.scheduler.called_count / seconds),
        "signals": counts.messages["TradeSignals"],
        "orders": counts.messages["OrderClosed"],
        "errors logged": len(counts.complaints),
    }
    return Row(name=layout, figures=figures)


def profile_tables(paths: tuple[Path, ...], layout: str, most_ms: int) -> list[Table]:
    """Profile a few windows: by folder, and the most expensive functions."""
    run = Run(paths, layout, most_ms)
    profile = cProfile.Profile()
    profile.runcall(run.play)
    own_s: dict[str, float] = defaultdict(float)
    functions = []
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined] # typeshed has it not
    for (file, line, name), (_, calls, self_s, _, _) in stats.items():
        own_s[folder_of(file)] += self_s
        functions.append((self_s, calls, f"{_short(file)}:{line} {name}"))
    whole_s = sum(own_s.values())
    note = f"{len(paths)} windows; the profile makes small functions look dearer than they are"
    folders = [
        Row(name=folder, figures={"share %": round(100 * seconds / whole_s, 1)})
        for folder, seconds in sorted(own_s.items(), key=lambda each: -each[1])
        if seconds > whole_s / 200
    ]
    dearest = [
        Row(name=name, figures={"share %": round(100 * self_s / whole_s, 1), "calls": calls})
        for self_s, calls, name in sorted(functions, reverse=True)[:_FUNCTIONS_SHOWN]
    ]
    return [
        Table(title=f"where it goes, {layout}", rows=folders, notes=(note,)),
        Table(title=f"the functions that take most themselves, {layout}", rows=dearest),
    ]


def _short(file: str) -> str:
    path = Path(file)
    is_ours = path.is_relative_to(ROOT) and "site-packages" not in path.parts
    return str(path.relative_to(ROOT)) if is_ours else path.name


def folder_of(file: str) -> str:
    """The folder of this project that a profiled file is in, or its origin."""
    path = Path(_short(file))
    if file == "~":
        return "built into Python, libraries in C"
    if len(path.parts) == 1:
        return "other Python libraries"
    return str(path.parent)


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    add_layout(parser)
    parser.add_argument("--windows", type=int, help="of the recording; all if not given")
    arguments = parser.parse_args()
    machine = Machine.now()
    paths = imported_recordings()
    if not paths:
        missing = Table(title="virtual time", rows=[], notes=(f"no recording in {RECORDINGS}",))
        show(machine, [missing], is_json=arguments.json)
        return
    paths = paths[: arguments.windows or (1 if arguments.quick else len(paths))]
    layouts = layouts_of(arguments)
    most_ms = _QUICK_MS if arguments.quick else _NEVER_MS
    alone_s = replay_alone(paths, most_ms)
    speed = Table(
        title=f"virtual time, {len(paths)} recorded windows",
        rows=[speed_row(paths, layout, most_ms, alone_s) for layout in layouts],
        notes=(f"reading and mirroring the recording takes {alone_s:.2f} s of it",),
    )
    profiles = [
        table
        for layout in layouts
        for table in profile_tables(paths[:_PROFILED_COUNT], layout, most_ms)
    ]
    show(machine, [speed, *profiles], is_json=arguments.json)


if __name__ == "__main__":
    main()
