"""The backtest's fills beside hftbacktest's, an independent model of queues: order by order.

Run as ``python -m bench.fills``. The same tape and the same orders go through our recorded venue
and through theirs: post-only ones that rest for twenty seconds at the best price or one step behind
it, and takers that walk the book. hftbacktest is no dependency; without it the table says how to
install it. docs/backtesting.md explains the differences.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from array import array
from collections.abc import Sequence
from pathlib import Path
from random import Random

import attrs

from actors.backtest_settings import BacktestSettings
from actors.messages.execution import OrderIntent
from actors.messages.feeds import BookEvent, LastTradeEvent, MarketEvent, PriceChangeEvent
from actors.model import Action, FillDetail, Level, Market, Side, TimeInForce
from actors.runtime.scheduler import Scheduler
from actors.settings import ExecutionSettings, Settings
from actors.units import PAYOUT_TICKS, shares
from bench.backtest import simulated_window
from bench.common import Figure, Machine, Row, Table, options, show
from bench.decode import ROOT, imported_recordings, other_home
from research.backtest.executor import (
    PlaceOrder,
    VenueFilled,
    VenueNews,
    VenueRejected,
    WithdrawOrder,
)
from research.backtest.runner import recordings_at
from research.backtest.tape import MarketFrames, Tape
from research.backtest.venue import RecordedVenue
from research.backtest.venue_book import mirrored

HFTBACKTEST = "hftbacktest==2.4.4"
_HOME = other_home("hftbacktest-2.4")
_REST_EVERY_MS, _REST_MS, _REST_SHARES = 1_300, 20_000, 10
_TAKE_EVERY_MS, _TAKE_SHARES, _TAKE_BEYOND_TICKS = 7_300, 150, 20
_STEP_TICKS = 10
_NEAR_MS = 250
_SAME_SHARES = shares(1) // 100
"""The unit in which theirs counts."""
_MODELS = {"only trades move the queue": 0, "cancels by place in the queue": 50}
"""Their models, and the share of cancels ahead of an order in ours."""


@attrs.frozen
class SentOrder:
    """One order of both models, in prices of Up."""

    is_taker: bool
    buys_up: bool
    at_ms: int
    up_ticks: int
    size_units: int
    cancel_at_ms: int
    """0: it does not rest."""

    def row(self) -> list[int]:
        """As the other side reads it."""
        sides = int(self.is_taker), int(self.buys_up)
        return [*sides, self.at_ms, self.up_ticks, self.size_units, self.cancel_at_ms]


@attrs.frozen
class Outcome:
    """The outcome of an order."""

    is_taken_in: bool
    filled_units: int
    last_fill_ms: int


class OurRun:
    """Our venue by itself: it plays a tape, and receives orders at fixed intervals."""

    def __init__(self, tape: Tape, cancel_ahead_percent: int) -> None:
        self._market = tape.market
        self._tape = tape
        model = BacktestSettings(taker_delay_ms=0, cancel_ahead_percent=cancel_ahead_percent)
        settings = Settings(execution=ExecutionSettings(latency_ms=150), backtest=model)
        self._scheduler = Scheduler(0)
        mirrored_token = tape.recording.head.mirrored_token
        self._venue = RecordedVenue(
            tape.market, settings, self._scheduler, Random(1), None, mirrored_token
        )
        self._venue.tell = self._hear
        self.orders: list[SentOrder] = []
        self._refused: set[int] = set()
        self._fills: dict[int, list[FillDetail]] = {}

    def play(self, until_ms: int) -> list[Outcome]:
        """Play the whole tape, with orders until then; return the outcome of each order."""
        opens_at_ms = self._market.opens_at_ms
        for at_ms in range(opens_at_ms + 5_000, until_ms, _REST_EVERY_MS):
            self._scheduler.after(at_ms, self._send, False)
        for at_ms in range(opens_at_ms + 6_100, until_ms, _TAKE_EVERY_MS):
            self._scheduler.after(at_ms, self._send, True)
        for at_ms, moment in self._tape.moments():
            self._scheduler.run_until(max(at_ms, self._scheduler.now_ms))
            if isinstance(moment, MarketFrames):
                self._venue.show(moment.events)
        return [self._outcome(number) for number in range(len(self.orders))]

    def _send(self, is_taker: bool) -> None:
        """Send an order on each side in turn, at the best price or a step behind, or beyond it."""
        bid_ticks, ask_ticks = self._venue.book.best()
        if bid_ticks is None or ask_ticks is None:
            return
        number, now_ms = len(self.orders), self._scheduler.now_ms
        buys_up = number % 2 == 0
        best_ticks, sign = (bid_ticks, 1) if buys_up else (ask_ticks, -1)
        if is_taker:
            best_ticks = ask_ticks if buys_up else bid_ticks
        away_ticks = _TAKE_BEYOND_TICKS if is_taker else -_STEP_TICKS * (number % 3 == 0)
        up_ticks = best_ticks + sign * away_ticks
        if not 0 < up_ticks < PAYOUT_TICKS:
            return
        size_units = shares(_TAKE_SHARES if is_taker else _REST_SHARES)
        cancel_at_ms = 0 if is_taker else now_ms + _REST_MS
        order = SentOrder(is_taker, buys_up, now_ms, up_ticks, size_units, cancel_at_ms)
        self.orders.append(order)
        self._venue.perform(PlaceOrder(_intent(self._market, str(number), order)))
        if not is_taker:
            self._scheduler.after(_REST_MS, self._venue.perform, WithdrawOrder(str(number), "over"))

    def _hear(self, news: VenueNews) -> None:
        number = int(news.order_id)
        if isinstance(news, VenueRejected):
            self._refused.add(number)
        elif isinstance(news, VenueFilled):
            self._fills.setdefault(number, []).append(news.fill)

    def _outcome(self, number: int) -> Outcome:
        fills = self._fills.get(number, [])
        last_ms = fills[-1].timestamp_ms if fills else 0
        return Outcome(number not in self._refused, sum(each.size_units for each in fills), last_ms)


def _intent(market: Market, name: str, order: SentOrder) -> OrderIntent:
    side = Side.YES if order.buys_up else Side.NO  # a sale of Up is the purchase of Down
    return OrderIntent(
        order_id=name,
        market=market,
        side=side,
        action=Action.BUY,
        price_ticks=order.up_ticks if order.buys_up else PAYOUT_TICKS - order.up_ticks,
        size_units=order.size_units,
        time_in_force=TimeInForce.FAK if order.is_taker else TimeInForce.GTC,
        created_at_ms=order.at_ms,
        expires_at_ms=market.closes_at_ms,
        priority=0,
        reason="a comparison",
        pair_id=None,
        position_version=0,
        tick_ns=0,
        is_post_only=not order.is_taker,
    )


class TapeRows:
    """A tape as rows of numbers, in prices of Up; each level change and each trade once."""

    def __init__(self, market: Market) -> None:
        self._up_token = market.yes_token
        self._sizes: dict[bool, dict[int, int]] = {True: {}, False: {}}
        self._trades: dict[tuple[int, int, int, bool], str] = {}
        self.rows = array("q")
        self.trades_count = 0

    def add(self, at_ms: int, event: MarketEvent) -> None:
        """Add one event."""
        if isinstance(event, LastTradeEvent):
            self._add_trade(at_ms, event)
        elif isinstance(event, BookEvent | PriceChangeEvent):
            bids, asks = event.bids, event.asks
            if event.token != self._up_token:
                bids, asks = mirrored(asks), mirrored(bids)
            for is_bid, levels in ((True, bids), (False, asks)):
                known = self._sizes[is_bid]
                gone = known.keys() - dict(levels) if isinstance(event, BookEvent) else ()
                self._set(at_ms, is_bid, [*((price, 0) for price in gone), *levels])

    def _set(self, at_ms: int, is_bid: bool, levels: Sequence[Level]) -> None:
        known = self._sizes[is_bid]
        for price_ticks, size_units in levels:
            if known.get(price_ticks, 0) == size_units:
                continue
            known[price_ticks] = size_units
            if not size_units:
                del known[price_ticks]
            self.rows.extend((0, is_bid, at_ms, price_ticks, size_units))

    def _add_trade(self, at_ms: int, trade: LastTradeEvent) -> None:
        is_up = trade.token == self._up_token
        up_ticks = trade.price_ticks if is_up else PAYOUT_TICKS - trade.price_ticks
        buys_up = trade.taker_buys is is_up
        key = (trade.timestamp_ms, up_ticks, trade.size_units, buys_up)
        if self._trades.setdefault(key, trade.token) == trade.token:
            self.trades_count += 1
            self.rows.extend((1, buys_up, at_ms, up_ticks, trade.size_units))


def their_outcomes(rows: array[int], orders: Sequence[SentOrder]) -> dict[str, list[Outcome]]:
    """The outcomes of the orders in each of hftbacktest's models."""
    with tempfile.TemporaryDirectory() as folder:
        tape, sent = Path(folder) / "tape", Path(folder) / "orders"
        tape.write_bytes(rows.tobytes())
        sent.write_text(json.dumps([each.row() for each in orders]))
        command = [_HOME / "bin" / "python", "-E", "-m", "bench.fills_hftbacktest", tape, sent]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    found = json.loads(told.stdout.splitlines()[-1])
    return {name: [Outcome(*each) for each in outcomes] for name, outcomes in found.items()}


def compared_table(name: str, path: Path, *, is_told: bool) -> Table:
    """One tape's orders in both, resting ones by each share of cancels that counts as ahead."""
    (recording,) = recordings_at([path])
    tape = TapeRows(Tape(recording, "result").market)
    for at_ms, moment in Tape(recording, "result").moments():
        for event in moment.events if isinstance(moment, MarketFrames) else ():
            tape.add(at_ms, event)
    rows: list[Row] = []
    for model, percent in _MODELS.items():
        ours = OurRun(Tape(recording, "result"), percent)
        outcomes = ours.play(tape.rows[-3] - _REST_MS - 5_000)
        theirs = their_outcomes(tape.rows, ours.orders)[model]
        pairs = list(zip(ours.orders, outcomes, theirs, strict=True))
        resting = [pair for pair in pairs if not pair[0].is_taker]
        rows.append(Row(name=f"resting, {percent} %", figures=_figures(resting)))
        if is_told:
            _tell(resting)
    takers = [pair for pair in pairs if pair[0].is_taker]
    rows.append(Row(name="takers", figures=_figures(takers)))
    if is_told:
        _tell(takers)
    notes = (
        f"{tape.trades_count} public trades; theirs: {', '.join(_MODELS)}",
        f"the same: taken in or refused, size, and last fill within {_NEAR_MS} ms",
        "150 ms to the venue and 50 back in both, no delay of takers; see docs/backtesting.md",
    )
    return Table(title=f"{name}: fills beside {HFTBACKTEST}", rows=rows, notes=notes)


def _figures(pairs: Sequence[tuple[SentOrder, Outcome, Outcome]]) -> dict[str, Figure]:
    same = [pair for pair in pairs if _is_same(*pair[1:])]
    both = [pair for pair in pairs if pair[1].filled_units and pair[2].filled_units]
    apart = [abs(one.last_fill_ms - other.last_fill_ms) for _, one, other in both]
    return {
        "orders": len(pairs),
        "filled": sum(bool(one.filled_units) for _, one, _ in pairs),
        "theirs": sum(bool(other.filled_units) for _, _, other in pairs),
        "shares": round(sum(one.filled_units for _, one, _ in pairs) / 1e6, 1),
        "their shares": round(sum(other.filled_units for _, _, other in pairs) / 1e6, 1),
        "the same": len(same),
        "ours only": sum(one.filled_units > 0 == other.filled_units for _, one, other in pairs),
        "theirs only": sum(other.filled_units > 0 == one.filled_units for _, one, other in pairs),
        "size": sum(not _is_size_same(one, other) for _, one, other in both),
        "time": sum(
            _is_size_same(one, other) and apart_ms > _NEAR_MS
            for (_, one, other), apart_ms in zip(both, apart, strict=True)
        ),
    }


def _is_size_same(one: Outcome, other: Outcome) -> bool:
    return abs(one.filled_units - other.filled_units) <= _SAME_SHARES


def _is_same(one: Outcome, other: Outcome) -> bool:
    is_near = abs(one.last_fill_ms - other.last_fill_ms) <= _NEAR_MS
    return one.is_taken_in == other.is_taken_in and _is_size_same(one, other) and is_near


def _tell(pairs: Sequence[tuple[SentOrder, Outcome, Outcome]]) -> None:
    for order, one, other in pairs:
        if not _is_same(one, other):
            print(f"{order}\n    ours   {one}\n    theirs {other}")


def main() -> None:
    """Compare and print."""
    parser = options(__doc__)
    parser.add_argument("--each", action="store_true", help="tell every order that differs")
    arguments = parser.parse_args()
    machine = Machine.now()
    if not (_HOME / "bin" / "python").exists():
        install = f"python3.11 -m venv {_HOME} && {_HOME}/bin/pip install {HFTBACKTEST}"
        title = f"fills beside {HFTBACKTEST}"
        table = Table(title=title, rows=[], notes=(f"it is not installed: {install}",))
        show(machine, [table], is_json=arguments.json)
        return
    with tempfile.TemporaryDirectory() as folder:
        length_ms = 60_000 if arguments.quick else 300_000
        tapes = {"local exchange": simulated_window(length_ms).write(Path(folder))}
        if imported_recordings() and not arguments.quick:
            tapes["a recorded window, no trades"] = imported_recordings()[1]
        tables = [
            compared_table(name, path, is_told=arguments.each) for name, path in tapes.items()
        ]
    show(machine, tables, is_json=arguments.json)


if __name__ == "__main__":
    main()
