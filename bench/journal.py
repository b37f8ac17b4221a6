"""The journal's cost: of a record, of a restart with a long history, and on the way to an order.

Run as ``python -m bench.journal``. The history is one of finished orders, each with the events and
the saved state that a filled order leaves.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import attrs

from actors.core import Record, Save
from actors.execution.desk_state import DeskState, OrdersCreated
from actors.messages.execution import Fill, OrderClosed, OrderIntent, OrderState, OrderStatus
from actors.model import Action, FillDetail, Market, Side, TimeInForce
from actors.roles import DESK
from actors.runtime.journal import Journal
from actors.runtime.journal_file import prepare
from actors.units import UNITS_PER_SHARE
from bench.common import Machine, Row, Table, Target, latency_figures, options, show
from bench.hand_over import MEMORY, HandOver
from bench.latency import Load, Slice, measured
from understudy.display.latency import Histogram

RESTART_RATIO = 1.5
_FEW_ORDERS = 100
_OPEN_ORDERS = 4
_MARKET = Market(
    market_id="0x" + "ab" * 32,
    slug="btc-updown-15m-1776331800",
    yes_token="1" * 77,
    no_token="2" * 77,
    opens_at_ms=1_776_331_800_000,
    closes_at_ms=1_776_332_700_000,
    tick_size_ticks=10,
    minimum_size_units=5 * UNITS_PER_SHARE,
    minimum_notional_nanos=10**9,
    fee_rate_bps=700,
    twap_window_s=60,
)


def new_order(number: int) -> OrderState:
    """An order as the desk records it."""
    intent = OrderIntent(
        order_id=f"order_{number}_{number:08x}",
        market=_MARKET,
        side=Side.YES,
        action=Action.BUY,
        price_ticks=530,
        size_units=20 * UNITS_PER_SHARE,
        time_in_force=TimeInForce.GTC,
        created_at_ms=_MARKET.opens_at_ms + number,
        expires_at_ms=_MARKET.opens_at_ms + number + 3_000,
        priority=2,
        reason="bootstrap: YES ask 530 < bootstrap_high 540 with 12.0 min left",
        pair_id=None,
        position_version=number,
        tick_ns=1,
    )
    return OrderState(intent=intent, updated_at_ms=intent.created_at_ms)


def filled(order: OrderState) -> OrderState:
    """The order after its one fill."""
    intent = order.intent
    fill = FillDetail(
        trade_id=f"trade-{intent.order_id}",
        price_ticks=intent.price_ticks,
        size_units=intent.size_units,
        fee_nanos=349_000_000,
        is_maker=False,
        timestamp_ms=intent.created_at_ms + 150,
    )
    return attrs.evolve(order, status=OrderStatus.FILLED, fills=(fill,))


def _created(order: OrderState) -> Record:
    event = OrdersCreated(market_id=_MARKET.market_id, signals_id=1, intents=(order.intent,))
    return Record(event, (_saved(order), Save("desk", "", DeskState(next_number=2))))


def _ended(order: OrderState) -> Iterator[Record]:
    done = filled(order)
    yield Record(Fill(order.intent.order_id, done.fills[0]), (_saved(done),))
    yield Record(OrderClosed(order.intent.order_id), (_saved(done, is_open=False),))


def _saved(order: OrderState, *, is_open: bool = True) -> Save:
    return Save("order", order.intent.order_id, order, is_open)


@contextmanager
def journal_dir() -> Iterator[Path]:
    """A new journal's directory, in the machine's directory of temporary files."""
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as folder:
        prepare(Path(folder))
        yield Path(folder)


# A record


def record_row(durability: str, count: int) -> Row:
    """Record one order's fill repeatedly."""
    with journal_dir() as data_dir:
        journal = Journal(data_dir, DESK, durability)
        journal.claim()
        record = next(_ended(new_order(1)))
        samples_us = []
        for _ in range(count):
            began = time.perf_counter_ns()
            journal.record(record, 1)
            samples_us.append((time.perf_counter_ns() - began) // 1_000)
        journal.close()
    return Row(name=f'Record, durability "{durability}"', figures=latency_figures(samples_us))


# A restart


def fill_with_history(data_dir: Path, finished_count: int) -> None:
    """Write a journal in which this many orders have ended and a few are open."""
    journal = Journal(data_dir, DESK)
    journal.claim()
    for number in range(finished_count + _OPEN_ORDERS):
        order = new_order(number)
        journal.record(_created(order), order.updated_at_ms)
        if number < finished_count:
            for record in _ended(order):
                journal.record(record, order.updated_at_ms)
    journal.close()


def desk_restart(data_dir: Path) -> None:
    """Do what a restarted desk does with the journal before it serves."""
    journal = Journal(data_dir, DESK)
    journal.claim()
    found = len(journal.load("order")) + len(journal.load("desk"))
    journal.close()
    if found != _OPEN_ORDERS + 1:
        raise AssertionError(f"{found} open rows were found in {data_dir}")


def run_start(data_dir: Path) -> None:
    """Do what a whole run does with the journal before anyone serves."""
    prepare(data_dir)
    desk_restart(data_dir)


def restart_tables(many_orders: int, rounds: int) -> list[Table]:
    """Restart with a short and a long history, in turns."""
    with journal_dir() as short, journal_dir() as long:
        fill_with_history(short, _FEW_ORDERS)
        fill_with_history(long, many_orders)
        rows = [
            _ratio_row("an actor's restart: open, claim, load", desk_restart, short, long, rounds),
            _ratio_row("a run's start: check the file, then that", run_start, short, long, rounds),
        ]
        size_mb = sum(path.stat().st_size for path in long.iterdir()) / 1e6
    note = f"{_FEW_ORDERS} finished orders against {many_orders:,} ({size_mb:,.0f} MB), p50 of both"
    return [Table(title="a restart's share of the journal", rows=rows, notes=(note,))]


def _ratio_row(
    name: str, restart: Callable[[Path], None], short: Path, long: Path, rounds: int
) -> Row:
    short_us: list[int] = []
    long_us: list[int] = []
    for _ in range(rounds):
        for data_dir, samples_us in ((short, short_us), (long, long_us)):
            began = time.perf_counter_ns()
            restart(data_dir)
            samples_us.append((time.perf_counter_ns() - began) // 1_000)
    short_p50, long_p50 = (Histogram(each).percentile(50) or 0 for each in (short_us, long_us))
    return Row(
        name=name,
        figures={
            "short ms": short_p50 / 1_000,
            "long ms": long_p50 / 1_000,
            "ratio": round(long_p50 / short_p50, 2),
        },
        target=Target(column="ratio", limit=RESTART_RATIO),
    )


# The way to an order


def order_table(load: Load, rounds: int) -> Table:
    """Measure tick to order with the journal and with the stand-in, in turns."""
    samples: dict[str, list[int]] = {"with the journal": [], "with a stand-in": []}
    for _ in range(rounds):
        for name, taken in samples.items():
            for part in _measured(load, is_journal=name == "with the journal"):
                taken += part.latencies_us.get("tick_to_order", [])
    rows = [
        Row(name=f"tick to order, {load.name}, {name}", figures=latency_figures(taken))
        for name, taken in samples.items()
    ]
    note = "the stand-in hands pickles over in memory: no events, transactions, fences or checks"
    return Table(title="on the way to an order", rows=rows, notes=(note,))


def _measured(load: Load, *, is_journal: bool) -> list[Slice]:
    """Run a system; its actors are forks, so what is replaced here is replaced in each of them."""
    if is_journal:
        return measured(load, 1)
    with mock.patch("actors.runtime.process.Journal", HandOver):
        return measured(load, 1, within=MEMORY)


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--alone", action="store_true", help="without running the whole system")
    arguments = parser.parse_args()
    is_quick = arguments.quick
    machine = Machine.now()
    count = 200 if is_quick else 5_000
    rows = [record_row(durability, count) for durability in ("process", "full")]
    tables = [Table(title="one transaction: an event and an order's state", rows=rows)]
    tables += restart_tables(1_000 if is_quick else 100_000, 5 if is_quick else 100)
    if not arguments.alone:
        load = Load(frames_per_second=50 if is_quick else 500, seconds=4 if is_quick else 60)
        tables.append(order_table(load, 1 if is_quick else 2))
    show(machine, tables, is_json=arguments.json)


if __name__ == "__main__":
    main()
