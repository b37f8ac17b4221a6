"""Decode, apply, best prices: frames per second, beside NautilusTrader 1.221 on the same frames.

Run as ``python -m bench.decode``. NautilusTrader is not a dependency: it is installed once into an
environment of its own in the user's cache. The two take turns, round by round, so that other load
affects both; the ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from types import TracebackType

import attrs
import zstandard

from bench.common import Machine, Row, Table, Target, options, show
from research.recordings.importing import Importing, attribution_beside
from venue.frames import Channel, Frame, is_custom
from venue.simulation.simulation import Simulation
from venue.wire import market as wire
from venue.wire.text import json_text

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = ROOT.parent / "shared" / "data" / "btc-updown-5m"
IMPORTED = Path("~/.cache/understudy-bench/recordings").expanduser()
NAUTILUS = "nautilus_trader[polymarket]==1.221.*"
_SIMULATED_FROM_MS = 1_776_331_800_000
_SIMULATED_RATE = 500


@attrs.frozen(kw_only=True)
class FrameSet:
    """Frames of one kind, and the target ratio of speeds."""

    name: str
    frames: Sequence[bytes]
    least_ratio: float


class Side:
    """A worker process that performs one task on each command."""

    def __init__(self, python: Path, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [str(python), "-E", "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Side:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=60)

    def ask(self, command: str) -> str:
        """Send a command; return its one line.

        Raises:
            RuntimeError: the worker ended instead; its own words are on stderr.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise AssertionError("a worker was started without pipes")
        stdin.write(f"{command}\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended without an answer")
        return line


def imported_recordings() -> tuple[Path, ...]:
    """Recordings imported once from the recorded windows, if they are available."""
    sources = sorted(RECORDINGS.glob("*.jsonl.zst"))
    if len(list(IMPORTED.glob("*.rec"))) < len(sources):
        IMPORTED.mkdir(parents=True, exist_ok=True)
        list(Importing(sources, attribution_beside(sources), "bench").into(IMPORTED))
    return tuple(sorted(IMPORTED.glob("*.rec"))) if sources else ()


def other_home(name: str) -> Path:
    """Directory of the environment of a package that a benchmark compares with."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "understudy-bench" / name


def nautilus_home() -> Path:
    """Directory of the environment that has NautilusTrader, if there is one."""
    return other_home("nautilus-1.221")


def installed_nautilus() -> Path | None:
    """Path of a Python that has NautilusTrader; None if it was never installed."""
    python = nautilus_home() / "bin" / "python"
    return python if python.exists() and _has_nautilus(python) else None


def nautilus_python() -> Path:
    """Path of a Python that has NautilusTrader; installs it at the first call."""
    home = nautilus_home()
    python = home / "bin" / "python"
    if installed_nautilus() is None:
        print(f"installing {NAUTILUS} into {home} (once)", file=sys.stderr)
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", NAUTILUS], check=True)
    return python


def _has_nautilus(python: Path) -> bool:
    look = [python, "-c", "import nautilus_trader.adapters.polymarket"]
    return subprocess.run(look, check=False, stderr=subprocess.DEVNULL).returncode == 0


def price_changes(count: int) -> list[bytes]:
    """Whole books of a window's two tokens, then changes of single levels in them."""
    world = _world()
    market = next(iter(world.catalogue))
    tokens = set(market.status.window.tokens)
    first = [wire.book_event(book, world.now_ms, is_first=True) for book in market.books]
    changes = (
        frame.text
        for frame in _market_frames(world)
        if '"event_type":"price_change"' in frame.text and tokens.issuperset(frame.keys)
    )
    return [text.encode() for text in (*map(json_text, first), *islice(changes, count))]


def books(count: int) -> tuple[str, list[bytes]]:
    """Whole books: recorded ones if there is a recording, else the local exchange's."""
    paths = sorted(RECORDINGS.glob("*.jsonl.zst"))
    if paths:
        return "recorded", list(islice(chain.from_iterable(map(_recorded, paths)), count))
    texts = (frame.text for frame in _market_frames(_world()))
    whole = (text.encode() for text in texts if '"event_type":"book"' in text)
    return "simulated", list(islice(whole, count))


def _recorded(path: Path) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=2**27)
    with path.open("rb") as packed:
        for line in io.TextIOWrapper(decompressor.stream_reader(packed), "utf-8"):
            yield json.loads(line)["raw"].encode()


def _world() -> Simulation:
    """A simulated exchange at the start of a window."""
    return Simulation(
        seed=1,
        series=[("btc", 15)],
        origin_ms=_SIMULATED_FROM_MS,
        frames_per_second=_SIMULATED_RATE,
    )


def _market_frames(world: Simulation) -> Iterator[Frame]:
    """The market channel's frames, without end."""
    for frames in world.advance(2**62):
        yield from (f for f in frames if f.channel is Channel.MARKET and not is_custom(f))


def compared(frame_set: FrameSet, rounds: int) -> tuple[Row, str]:
    """Let both sides follow the frames in turns; return the row, and how far they agree."""
    with tempfile.NamedTemporaryFile(suffix=".frames") as file:
        file.write(b"\n".join(frame_set.frames))
        file.flush()
        with (
            Side(Path(sys.executable), "bench.decode_understudy", file.name) as ours,
            Side(nautilus_python(), "bench.decode_nautilus", file.name) as theirs,
        ):
            best = [json.loads(side.ask("best")) for side in (ours, theirs)]
            times = [(float(ours.ask("time")), float(theirs.ask("time"))) for _ in range(rounds)]
    count = len(frame_set.frames)
    equal = sum(a == b for a, b in zip(*best, strict=True))
    row = Row(
        name=frame_set.name,
        figures={
            **_own_figures(frame_set, min(a for a, _ in times)),
            "Nautilus frames/s": round(count / min(b for _, b in times)),
            "ratio": round(statistics.median(b / a for a, b in times), 2),
            "lowest": round(min(b / a for a, b in times), 2),
        },
        target=Target(column="ratio", limit=frame_set.least_ratio, is_least=True),
    )
    return row, f"{frame_set.name}: the same best prices after {equal:,} of {count:,} frames"


def alone(frame_set: FrameSet, rounds: int) -> Row:
    """Let our side follow the frames by itself."""
    with tempfile.NamedTemporaryFile(suffix=".frames") as file:
        file.write(b"\n".join(frame_set.frames))
        file.flush()
        with Side(Path(sys.executable), "bench.decode_understudy", file.name) as ours:
            best_s = min(float(ours.ask("time")) for _ in range(rounds))
    return Row(name=frame_set.name, figures=_own_figures(frame_set, best_s))


def _own_figures(frame_set: FrameSet, seconds: float) -> dict[str, float | int | str | None]:
    count = len(frame_set.frames)
    return {
        "frames": count,
        "bytes each": sum(map(len, frame_set.frames)) // count,
        "µs each": round(1e6 * seconds / count, 2),
        "frames/s": round(count / seconds),
    }


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--alone", action="store_true", help="without NautilusTrader")
    arguments = parser.parse_args()
    machine = Machine.now()
    source, book_frames = books(500 if arguments.quick else 10_000)
    frame_sets = (
        FrameSet(
            name="price_change, simulated",
            frames=price_changes(1_000 if arguments.quick else 20_000),
            least_ratio=2,
        ),
        FrameSet(name=f"book, {source}", frames=book_frames, least_ratio=5),
    )
    rounds = 2 if arguments.quick else 15
    if arguments.alone:
        rows, notes = [alone(each, rounds) for each in frame_sets], []
    else:
        pairs = [compared(each, rounds) for each in frame_sets]
        rows, notes = [row for row, _ in pairs], [note for _, note in pairs]
    table = Table(title="decode + apply + best prices", rows=rows, notes=notes)
    show(machine, [table], is_json=arguments.json)


if __name__ == "__main__":
    main()
