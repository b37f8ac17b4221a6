"""Memory of a long backtest: one recorded window many times, each after the one before.

Run as ``python -m bench.backtest_memory``. The tape is the beginning of a window of the local
exchange, a price a second before it so that the maker knows its volatility, moved by five minutes
for each further window: ids, times and sequence numbers differ, prices do not. What is measured is
this process's resident memory after each tenth of the windows. A backtest keeps what each window
came to until the results are written; the last row has that, as the command does.
"""

from __future__ import annotations

import gc
import json
import resource
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs

from actors.messages.directory import MarketClosing, MarketOpened, MarketResolved
from actors.model import Market
from actors.settings import Settings, StrategySettings
from bench.backtest import simulated_recording
from bench.common import Figure, Machine, Row, Table, Target, options, show
from research.backtest.account import AccountRun
from research.backtest.outcome import WindowOutcome
from research.backtest.runner import recordings_at
from research.backtest.tape import MarketFrames, Moment, ReferenceFrames, Tape

_TENTHS = 10
_SEQUENCES = 1_000_000
"""A later window's tickers have numbers so much higher."""
_PLAYED_MS = 5_000
"""Of each window's books."""


class ShiftedTape(Tape):
    """A tape that lies in memory, moved to a later window."""

    def __init__(self, tape: Tape, moments: list[tuple[int, Moment]], number: int) -> None:
        vars(self).update(vars(tape))
        self._moments_there = moments
        self._number = number
        self._by_ms = number * (tape.market.closes_at_ms - tape.market.opens_at_ms)
        self.market = self._market(tape.market)

    def moments(self) -> Iterator[tuple[int, Moment]]:
        """Every moment with its venue time in ms, in order."""
        for at_ms, moment in self._moments_there:
            yield at_ms + self._by_ms, self._moved(moment)

    def _moved(self, moment: Moment) -> Moment:
        match moment:
            case MarketFrames(events, received_ns):
                moved = tuple(
                    attrs.evolve(
                        each,
                        token=f"{each.token}-{self._number}",
                        timestamp_ms=each.timestamp_ms + self._by_ms,
                    )
                    for each in events
                )
                return attrs.evolve(
                    moment, events=moved, received_ns=received_ns + self._by_ms * 1_000_000
                )
            case ReferenceFrames(frames):
                return ReferenceFrames(
                    tuple((self._ticker(raw), ns + self._by_ms * 1_000_000) for raw, ns in frames)
                )
            case MarketOpened(strike=strike):
                if strike is not None:
                    strike = attrs.evolve(strike, timestamp_ms=self.market.opens_at_ms)
                return attrs.evolve(moment, market=self.market, strike=strike)
            case MarketClosing():
                return MarketClosing(self.market.market_id)
            case MarketResolved():
                return attrs.evolve(moment, market=self.market)
        return moment

    def _market(self, market: Market) -> Market:
        opens_at_ms = market.opens_at_ms + self._by_ms
        return attrs.evolve(
            market,
            market_id=f"{market.market_id}-{self._number}",
            slug=f"btc-updown-5m-{opens_at_ms // 1000}",
            yes_token=f"{market.yes_token}-{self._number}",
            no_token=f"{market.no_token}-{self._number}",
            opens_at_ms=opens_at_ms,
            closes_at_ms=market.closes_at_ms + self._by_ms,
        )

    def _ticker(self, raw: bytes) -> bytes:
        told = json.loads(raw)
        if "time" in told:
            at = datetime.fromisoformat(told["time"]) + timedelta(milliseconds=self._by_ms)
            told["time"] = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        for key in ("sequence", "trade_id", "last_trade_id"):
            if key in told:
                told[key] += self._number * _SEQUENCES
        return json.dumps(told).encode()


def memory_row(name: str, outcomes: Iterable[WindowOutcome], windows: int) -> Row:
    """Go through the outcomes; look at the memory after each tenth of them."""
    marks_mb: list[float] = []
    orders = fills = 0
    for number, outcome in enumerate(outcomes, 1):
        orders += len(outcome.orders)
        fills += sum(len(each.fills) for each in outcome.orders)
        if number % max(1, windows // _TENTHS) == 0:
            gc.collect()
            marks_mb.append(resident_mb())
    figures: dict[str, Figure] = {
        "windows": windows,
        "orders": orders,
        "fills": fills,
        "MB after each tenth": " ".join(f"{each:.0f}" for each in marks_mb),
        "grown MB": round(marks_mb[-1] - marks_mb[0], 1),
        "peak MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    return Row(name=name, figures=figures, target=Target(column="grown MB", limit=5))


def _is_price(moment: Moment) -> bool:
    return isinstance(moment, ReferenceFrames | MarketOpened)


def resident_mb() -> float:
    """Resident memory of this process now (``/proc/self/statm``, its second number)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--windows", type=int, default=1_000)
    arguments = parser.parse_args()
    windows = 3 if arguments.quick else arguments.windows
    machine = Machine.now()
    settings = Settings(strategy=StrategySettings(use="maker"))
    with tempfile.TemporaryDirectory() as folder:
        (recording,) = recordings_at([simulated_recording(Path(folder), _PLAYED_MS)])
        tape = Tape(recording, "result")
        moments = list(tape.moments())

    lead_ms = tape.market.opens_at_ms
    moments = [each for each in moments if each[0] >= lead_ms or _is_price(each[1])]

    def tapes() -> Iterator[Tape]:
        return (ShiftedTape(tape, moments, number) for number in range(windows))

    kept: list[WindowOutcome] = []

    def keeping() -> Iterator[WindowOutcome]:
        for each in AccountRun(settings, "1").play(tapes()):
            kept.append(each)
            yield each

    alone = (outcome for each in tapes() for outcome in AccountRun(settings, "1").play([each]))
    rows = [
        memory_row("an account a window", alone, windows),
        memory_row("one account for all", AccountRun(settings, "1").play(tapes()), windows),
        memory_row("one account, outcomes kept", keeping(), windows),
    ]
    note = f"each window: its first {_PLAYED_MS // 1000} s of books, the maker trading"
    show(machine, [Table(title="memory", rows=rows, notes=(note,))], is_json=arguments.json)


if __name__ == "__main__":
    main()
