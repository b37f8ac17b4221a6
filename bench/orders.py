"""Signed orders: how soon and how many are sent, the cost of a lost answer, and of a kill.

Run as ``python -m bench.orders``. The paths from order to POST take turns, round by round, each in
a process of its own; a bare server notes when a whole POST has arrived. Everything else is measured
at a local exchange, in real time, and the kills are those of ``understudy drill --mode live``.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eth_account import Account

from actors.execution.real.messages import PostUnclear
from actors.messages.execution import CancelOrder, OrderStatus
from actors.runtime import codec
from bench.common import Figure, Machine, Row, Table, Target, latency_figures, options, show
from bench.decode import ROOT, Side, nautilus_python
from bench.lone_executor import LoneExecutor, market_at
from bench.orders_worker import KEY
from bench.system import Exchange, exchange
from bench.wire_tap import WireTap
from understudy.display.latency import Histogram
from understudy.drill.plan import REAL_INJECTIONS
from understudy.drill.report import COUNTERS
from understudy.processes.isolation import module_command

CLIENT_RATIO, NAUTILUS_RATIO = 1.0, 1.5
BURST_RATE = 40
"""The venue's sustained limit of orders per second."""
RESOLVED_LIMIT_MS = 2_000
"""A read may have to wait for a second after the last one, and takes a while itself."""
AT_ONCE = 50
"""Somewhat fewer than the exchange's burst limit."""
_OURS, _OURS_PROCESS = "Understudy, full", "Understudy, process"
_CLIENT, _NAUTILUS = "the client alone", "NautilusTrader"
_RATIOS = {_CLIENT: CLIENT_RATIO, _NAUTILUS: NAUTILUS_RATIO}
_WARM_UP_ROUNDS = 3
_BUCKET_FILLS_S = 2.0
_FRAMES_PER_SECOND = 20
_LEAD_MS = 1_000


@contextlib.contextmanager
def paying_exchange() -> Iterator[Exchange]:
    """Run a local exchange where the benchmark's account has money."""
    wallet = f"{Account.from_key(KEY).address}=10000"
    with exchange(_FRAMES_PER_SECOND, _LEAD_MS, "--admin", "--wallet", wallet) as venue:
        yield venue


# From order to POST


def wire_samples(rounds: int, *, is_alone: bool) -> dict[str, list[int]]:
    """Let every path place an order, round by round; return µs until each POST had arrived."""
    samples: dict[str, list[int]] = defaultdict(list)
    with (
        paying_exchange() as venue,
        WireTap(venue.http_url) as tap,
        contextlib.ExitStack() as stack,
    ):
        sides = {
            name: stack.enter_context(side)
            for name, side in _sides(venue, tap.url, is_alone=is_alone).items()
        }
        for number in range(_WARM_UP_ROUNDS + rounds):
            for name, side in sides.items():
                taken_us = _placed(side, tap)
                if number >= _WARM_UP_ROUNDS:
                    samples[name].append(taken_us)
    return samples


def _sides(venue: Exchange, url: str, *, is_alone: bool) -> dict[str, Side]:
    python, clock = Path(sys.executable), venue.clock
    token = market_at(venue.http_url, venue.opens_at_ms).yes_token
    stage = (url, venue.ws_url, clock.origin_monotonic_ns, clock.origin_ms, venue.opens_at_ms)
    sides = {
        _OURS: Side(python, "bench.orders_understudy", *map(str, stage), "full"),
        _OURS_PROCESS: Side(python, "bench.orders_understudy", *map(str, stage), "process"),
        _CLIENT: Side(python, "bench.orders_client", url, token),
    }
    if not is_alone:
        sides[_NAUTILUS] = Side(nautilus_python(), "bench.orders_nautilus", url, token)
    return sides


def _placed(side: Side, tap: WireTap) -> int:
    before = tap.orders_count
    began_ns = int(side.ask("place"))
    if tap.orders_count != before + 1:
        raise AssertionError(f"{tap.orders_count - before} orders arrived instead of one")
    return (tap.arrived_ns - began_ns) // 1000


def wire_table(samples: Mapping[str, Sequence[int]]) -> Table:
    """Summarize; ratios are to our path with durability full."""
    ours = samples[_OURS]
    rows = []
    for name, taken in samples.items():
        ratio = statistics.median(b / a for a, b in zip(ours, taken, strict=True))
        figures = latency_figures(taken)
        ratio_of_p99 = _p99(taken) / _p99(ours)
        figures |= {"ratio": round(ratio, 2), "ratio of p99": round(ratio_of_p99, 2)}
        limit = _RATIOS.get(name)
        target = Target(column="ratio", limit=limit, is_least=True) if limit else None
        rows.append(Row(name=name, figures=figures, target=target))
    return Table(
        title="from order to POST, signed",
        rows=rows,
        notes=(
            "until the last byte has arrived at a bare server on this host",
            "Understudy records twice on the way, with each durability; the others do not",
            "the client alone: as it is installed by itself, without coincurve",
            "NautilusTrader 1.221: what its adapter calls of py-clob-client",
        ),
    )


def _p99(samples: Sequence[int]) -> int:
    return Histogram(samples).percentile(99) or 0


# Many at once, and answers that are lost


@contextlib.contextmanager
def executor_at(venue: Exchange) -> Iterator[LoneExecutor]:
    """Run an executor that serves, with records as durable as for real money."""
    with (
        tempfile.TemporaryDirectory(prefix="understudy-bench-") as folder,
        LoneExecutor(venue.http_url, venue.ws_url, venue.clock, Path(folder), "full") as executor,
    ):
        executor.open(market_at(venue.http_url, venue.opens_at_ms))
        yield executor


def burst_us(executor: LoneExecutor) -> int:
    """Submit many orders at once; return µs until the exchange has accepted all of them."""
    began_ns = time.monotonic_ns()
    order_ids = [executor.submit() for _ in range(AT_ONCE)]
    executor.run_until(lambda: _stand(executor, order_ids, OrderStatus.ACCEPTED), "all rest")
    taken_us = (time.monotonic_ns() - began_ns) // 1000
    _end(executor, order_ids)
    return taken_us


def lost_us(executor: LoneExecutor, venue: Exchange) -> int:
    """Lose the answer to a POST; return µs from the POST until the outcome is recorded."""
    lost = executor.heard[PostUnclear] + 1
    _inject(venue, kind="lost_answer")
    order_id = executor.submit()
    executor.run_until(lambda: _stand(executor, [order_id], OrderStatus.ACCEPTED), "it is known")
    taken_us = (time.monotonic_ns() - executor.posted_ns[order_id]) // 1000
    executor.run_until(lambda: executor.heard[PostUnclear] == lost, "its answer is lost")
    _end(executor, [order_id])
    return taken_us


def _stand(executor: LoneExecutor, order_ids: Sequence[str], status: OrderStatus) -> bool:
    return all(executor.orders[order_id].status is status for order_id in order_ids)


def _end(executor: LoneExecutor, order_ids: Sequence[str]) -> None:
    for order_id in order_ids:
        executor.tell(CancelOrder(order_id, "it is measured"))
    executor.run_until(lambda: _stand(executor, order_ids, OrderStatus.CANCELLED), "all end")


def _rest(executor: LoneExecutor, seconds: float) -> None:
    until_s = time.monotonic() + seconds
    executor.run_until(lambda: time.monotonic() >= until_s, "time passes")


def _inject(venue: Exchange, **fault: Any) -> None:
    request = urllib.request.Request(  # noqa: S310 # on loopback
        f"{venue.http_url}/admin/faults", json.dumps(fault).encode()
    )
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310 # as above
        return


def executor_tables(bursts: int, told: int, read: int) -> list[Table]:
    """Measure both on one executor; the lost answers with and without a user channel."""
    codec.warm_up()
    with paying_exchange() as venue, executor_at(venue) as executor:
        burst_samples = []
        for _ in range(bursts):
            burst_samples.append(burst_us(executor))
            _rest(executor, _BUCKET_FILLS_S)
        told_samples = [lost_us(executor, venue) for _ in range(told)]
        _inject(venue, channel="user", kind="stall")
        read_samples = []
        for number in range(read):
            read_samples.append(lost_us(executor, venue))
            _rest(executor, number % 10 / 10)
    return [_burst_table(burst_samples), _lost_table(told_samples, read_samples)]


def _burst_table(samples: Sequence[int]) -> Table:
    rates = sorted(AT_ONCE / (taken_us / 1e6) for taken_us in samples)
    figures: dict[str, Figure] = {
        "orders/s": round(statistics.median(rates), 1),
        "lowest": round(rates[0], 1),
        **latency_figures(samples),
    }
    return Table(
        title="many at once, until each is accepted",
        rows=[
            Row(
                name=f"{AT_ONCE} orders",
                figures=figures,
                target=Target(column="orders/s", limit=BURST_RATE, is_least=True),
            )
        ],
        notes=(f"the venue lets such a burst pass, and in the long run {BURST_RATE} a second",),
    )


def _lost_table(told: Sequence[int], read: Sequence[int]) -> Table:
    target = Target(column="p99 ms", limit=RESOLVED_LIMIT_MS)
    rows = [
        Row(name=name, figures=latency_figures(samples), target=target)
        for name, samples in (
            ("the user channel tells of it", told),
            ("the user channel is silent, reading tells", read),
        )
    ]
    return Table(title="accepted, and the answer lost: from the posting to the truth", rows=rows)


# Kills


def drill_table(kills: int) -> Table:
    """Drill a rehearsal; return the recovery times by target, and the verdict's counts."""
    command = module_command("understudy", "drill", "--mode", "live", "--json")
    command += ["--kills", str(kills), "--seed", "1"]
    ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    return drilled(json.loads(ran.stdout))


def drilled(said: Mapping[str, Any]) -> Table:
    """Summarize what ``drill --json`` printed."""
    rows = [
        Row(
            name=target,
            figures={
                **{f"{name} ms": times[name] for name in ("p50", "p99", "max")},
                **{name: times[name] for name in ("kills", "hung", "orders_in_flight")},
            },
        )
        for target, times in said["recovery_ms"].items()
    ]
    wrong = sum(said[name] for name in COUNTERS) + len(said["findings"])
    total: dict[str, Figure] = {"kills": said["kills"], "wrong": wrong}
    rows.append(Row(name="all", figures=total, target=Target(column="wrong", limit=0)))
    about = ("orders", "fills", "windows", "exchange_faults")
    return Table(
        title="drill of a rehearsal: from the injection to serving again",
        rows=rows,
        notes=(
            ", ".join(f"{said.get(name, 0)} {name.replace('_', ' ')}" for name in about),
            "hung: stopped, not killed, which only shows when a ping stays unanswered",
        ),
    )


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--alone", action="store_true", help="without NautilusTrader")
    parser.add_argument("--kills", type=int, help="of the drill; 0: without it")
    arguments = parser.parse_args()
    is_quick: bool = arguments.quick
    kills = (
        (2 if is_quick else len(REAL_INJECTIONS)) if arguments.kills is None else arguments.kills
    )
    machine = Machine.now()
    wire = wire_samples(3 if is_quick else 300, is_alone=arguments.alone)
    tables = [
        wire_table(wire),
        *(executor_tables(1, 1, 1) if is_quick else executor_tables(10, 100, 20)),
        *([drill_table(kills)] if kills else []),
    ]
    show(machine, tables, is_json=arguments.json)


if __name__ == "__main__":
    main()
