"""Backtests: events per second on one core, wall time of a window, two cores, search trials.

Run as ``python -m bench.backtest``. Whole books are the recorded hour's, if it is available; price
changes are the local exchange's, recorded here. Seconds are processor time unless a column says
wall. NautilusTrader 1.221's backtest of the same events runs beside it, in a process of its own, if
``bench.decode`` has installed it.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from actors.messages.feeds import BookEvent, MarketEvent, PriceChangeEvent
from actors.model import Level
from actors.settings import Settings, StrategySettings
from bench.common import Figure, Machine, Row, Table, Target, options, show
from bench.decode import NAUTILUS, ROOT, imported_recordings, installed_nautilus
from bench.scheduler import folder_of
from research.backtest.runner import BacktestPlan, recordings_at, run_backtest
from research.backtest.tape import MarketFrames, Tape
from research.recordings.model import (
    RecordedChannel,
    RecordedFrame,
    RecordedMarket,
    RecordedStrike,
    RecordingHead,
    RecordingNote,
    RecordingTail,
)
from research.recordings.writer import RecordingWriter
from research.search.workers import OwnProcess, WindowTask
from venue.frames import Channel, Frame, is_custom
from venue.simulation.simulation import Simulation

_RATE = 500
"""Market channel messages per second; about the rate of the real stream."""
_OPENS_AT_MS = 1_776_329_400_000
_LENGTH_MS = 300_000
_TRIALS = 4
_TIMES = 3
"""How often windows are played to compare one and two jobs: jobs are meant for hours of windows."""
_CHANNELS = {Channel.MARKET: RecordedChannel.MARKET, Channel.COINBASE: RecordedChannel.REFERENCE}


@attrs.frozen
class SimulatedWindow:
    """A window of the local exchange, or its beginning, as a recorder would have received it."""

    head: RecordingHead
    strike: RecordedStrike
    frames: tuple[RecordedFrame, ...]

    def write(self, folder: Path) -> Path:
        """Write its recording."""
        path = folder / f"{self.head.market.slug}.rec"
        writer = RecordingWriter.create(path, self.head, is_synced=False)
        noted_ns = (self.head.market.opens_at_ms + 1_000) * 1_000_000
        writer.note(RecordingNote(kind="strike", strike=self.strike), noted_ns, noted_ns)
        writer.write(list(self.frames))
        writer.finish(
            RecordingTail(
                strike=self.strike,
                close_e18=None,
                winner="YES",
                evidence="a benchmark",
                spans=dict(writer.spans),
                frames=dict(writer.frames),
                payload_bytes=writer.payload_bytes,
                gaps=(),
            )
        )
        return path


def simulated_window(length_ms: int, rate: int = _RATE) -> SimulatedWindow:
    """Let the local exchange trade a window, or its beginning, at this many messages a second."""
    world = Simulation(
        seed=1, series=[("btc", 5)], origin_ms=_OPENS_AT_MS - 70_000, frames_per_second=rate
    )
    until_ms = _OPENS_AT_MS + length_ms
    sent: list[tuple[int, Frame]] = []
    for made in world.advance(until_ms):
        at_ns = world.now_ms * 1_000_000
        sent += [(at_ns, each) for each in made if each.channel in _CHANNELS]
    statuses = (market.status for market in world.catalogue)
    status = next(each for each in statuses if each.window.opens_at_ms == _OPENS_AT_MS)
    window = status.window
    frames = tuple(
        RecordedFrame(_CHANNELS[each.channel], 0, 1, at_ns, at_ns, each.text.encode())
        for at_ns, each in sent
        if each.channel is not Channel.MARKET
        or (not is_custom(each) and set(window.tokens).issuperset(each.keys))
    )
    head = RecordingHead(
        series="btc-5m",
        program="bench",
        market=RecordedMarket(
            market_id=window.condition_id,
            slug=window.slug,
            yes_token=window.up_token,
            no_token=window.down_token,
            opens_at_ms=window.opens_at_ms,
            closes_at_ms=window.closes_at_ms,
            tick_size_ticks=10,
            minimum_size_units=5_000_000,
            minimum_notional_nanos=10**9,
            fee_rate_bps=700,
            twap_window_s=60,
        ),
    )
    strike = RecordedStrike(
        price_e18=str(status.strike_e18), source="the local exchange", origin="tick"
    )
    return SimulatedWindow(head, strike, frames)


def speed_row(name: str, paths: Sequence[Path], least_events: float) -> Row:
    """Measure playing windows once on one core."""
    recordings = recordings_at(paths)
    began, wall_began = time.process_time(), time.perf_counter()
    played = [each.outcome for each in run_backtest(BacktestPlan(settings=Settings()), recordings)]
    seconds, wall_s = time.process_time() - began, time.perf_counter() - wall_began
    events = sum(each.events_count for each in played)
    figures: dict[str, Figure] = {
        "windows": len(played),
        "frames": sum(each.frames_count for each in played),
        "events": events,
        "events/s": round(events / seconds),
        "frames/s": round(sum(each.frames_count for each in played) / seconds),
        "messages/s": round(sum(each.handled_count for each in played) / seconds),
        "s a window": round(seconds / len(played), 2),
        "wall s a window": round(wall_s / len(played), 2),
        "orders": sum(len(each.orders) for each in played),
    }
    return Row(
        name=name,
        figures=figures,
        target=Target(column="events/s", limit=least_events, is_least=True),
    )


def compared_table(rows: Mapping[str, Sequence[Path]], speeds: Sequence[Row]) -> Table:
    """NautilusTrader's backtest of the same events with about as many orders, beside ours."""
    title = f"one core, beside {NAUTILUS}"
    python = installed_nautilus()
    if python is None:
        note = f"{NAUTILUS} is not installed: python -m bench.decode installs it"
        return Table(title=title, rows=[], notes=(note,))
    compared = [
        _compared_row(python, ours, paths)
        for ours, paths in zip(speeds, rows.values(), strict=True)
    ]
    notes = (
        "theirs decodes with its adapter, keeps books, looks at best prices; ours runs every actor",
        "engine alone: its events lie decoded in memory, ours are read and decoded",
    )
    return Table(title=title, rows=compared, notes=notes)


def _compared_row(python: Path, ours: Row, paths: Sequence[Path]) -> Row:
    events, seconds, orders = 0, [0.0, 0.0], 0
    for path in paths:
        count = round(int(ours.figures["orders"] or 0) / len(paths))
        with tempfile.NamedTemporaryFile(suffix=".frames") as file:
            file.write(b"\n".join(_event_lines(path)))
            file.flush()
            command = [python, "-E", "-m", "bench.backtest_nautilus", file.name, str(count)]
            told = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        found = json.loads(told.stdout.splitlines()[-1])
        events, orders = events + found["events"], orders + found["orders"]
        seconds = [seconds[0] + found["decode_s"] + found["run_s"], seconds[1] + found["run_s"]]
    own = float(ours.figures["events/s"] or 0)
    figures: dict[str, Figure] = {
        "events": events,
        "orders": ours.figures["orders"],
        "their orders": orders,
        "events/s": round(own),
        "theirs": round(events / seconds[0]),
        "their engine alone": round(events / seconds[1]),
        "ratio": round(own * seconds[0] / events, 2),
        "to the engine alone": round(own * seconds[1] / events, 2),
    }
    return Row(
        name=ours.name, figures=figures, target=Target(column="ratio", limit=1, is_least=True)
    )


def _event_lines(path: Path) -> Iterator[bytes]:
    """Every event of a recording as one frame, after its time of receipt in ns."""
    (recording,) = recordings_at([path])
    market = recording.head.market.market_id
    for at_ms, moment in Tape(recording, "result").moments():
        for event in moment.events if isinstance(moment, MarketFrames) else ():
            shown = _as_shown(event)
            if shown is not None:
                stamps = {"market": market, "timestamp": str(event.timestamp_ms)}
                yield b"%d\t%s" % (at_ms * 1_000_000, json.dumps({**stamps, **shown}).encode())


def _as_shown(event: MarketEvent) -> dict[str, object] | None:
    """A book or a change of one in the venue's own form; None for anything else."""
    match event:
        case BookEvent(token, _, bids, asks):
            sides = {
                "bids": [_level(each) for each in reversed(bids)],
                "asks": [_level(each) for each in reversed(asks)],
            }
            return {"event_type": "book", "asset_id": token, **sides}
        case PriceChangeEvent(token, _, bids, asks):
            side = "BUY" if bids else "SELL"
            rest = {"asset_id": token, "side": side, "hash": "", "best_bid": "", "best_ask": ""}
            changes = [{**_level(each), **rest} for each in (*bids, *asks)]
            return {"event_type": "price_change", "price_changes": changes}
    return None


def _level(level: Level) -> dict[str, str]:
    return {"price": f"{level[0] / 1000:.3f}", "size": f"{level[1] / 1e6:.6f}"}


def jobs_row(paths: Sequence[Path]) -> Row:
    """The same windows with one process and with two, several times so that no start counts."""
    recordings, plan = recordings_at(paths) * _TIMES, BacktestPlan(settings=Settings())
    seconds = {}
    for jobs in (1, 2):
        began = time.perf_counter()
        for _ in run_backtest(plan, recordings, jobs):
            pass
        seconds[jobs] = time.perf_counter() - began
    figures: dict[str, Figure] = {
        "windows": len(recordings),
        "wall s, 1 job": round(seconds[1], 1),
        "wall s, 2 jobs": round(seconds[2], 1),
        "times as fast": round(seconds[1] / seconds[2], 2),
    }
    return Row(
        name="--jobs 2",
        figures=figures,
        target=Target(column="times as fast", limit=1.8, is_least=True),
    )


def search_row(paths: Sequence[Path]) -> Row:
    """Measure trials of a search over all windows, none pruned, on one core."""
    plans = [
        BacktestPlan(settings=Settings(strategy=StrategySettings(max_trade_shares=5 + number)))
        for number in range(_TRIALS)
    ]
    tasks = [WindowTask(plan, str(path)) for plan in plans for path in paths]
    began = time.process_time()
    OwnProcess().play(tasks)
    seconds = (time.process_time() - began) / _TRIALS
    figures: dict[str, Figure] = {
        "windows": len(paths),
        "s a trial": round(seconds, 2),
        "trials an hour": round(3600 / seconds),
    }
    return Row(name="search", figures=figures)


def profile_table(name: str, paths: Sequence[Path]) -> Table:
    """Where the time of a window goes, by folder."""
    profile = cProfile.Profile()
    recordings, plan = recordings_at(paths), BacktestPlan(settings=Settings())
    profile.runcall(lambda: list(run_backtest(plan, recordings)))
    own_s: defaultdict[str, float] = defaultdict(float)
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined] # typeshed has it not
    for (file, _, _), (_, _, self_s, _, _) in stats.items():
        own_s[folder_of(file)] += self_s
    whole_s = sum(own_s.values())
    rows = [
        Row(name=folder, figures={"share %": round(100 * seconds / whole_s, 1)})
        for folder, seconds in sorted(own_s.items(), key=lambda each: -each[1])
        if seconds > whole_s / 100
    ]
    note = "a profile makes small functions look dearer than they are"
    return Table(title=f"where it goes, {name}", rows=rows, notes=(note,))


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--windows", type=int, help="of the recorded hour; all if not given")
    arguments = parser.parse_args()
    machine = Machine.now()
    with tempfile.TemporaryDirectory() as folder:
        length_ms = 10_000 if arguments.quick else _LENGTH_MS
        simulated = simulated_window(length_ms).write(Path(folder))
        recorded = imported_recordings()[: arguments.windows or (1 if arguments.quick else None)]
        played = {"price changes, local exchange": [simulated]}
        rows = [speed_row("price changes, local exchange", [simulated], 50_000)]
        if recorded:
            played["whole books, recorded"] = list(recorded)
            rows.append(speed_row("whole books, recorded", recorded, 10_000))
        several = recorded if len(recorded) > 1 else (simulated,)
        tables = [
            Table(title="one core", rows=rows),
            compared_table(played, rows),
            Table(title="two cores", rows=[jobs_row(several)]),
            Table(title="search", rows=[search_row(several)]),
            profile_table("price changes", [simulated]),
        ]
        if recorded:
            tables.append(profile_table("whole books", recorded[:1]))
        show(machine, tables, is_json=arguments.json)


if __name__ == "__main__":
    main()
