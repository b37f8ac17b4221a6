"""The cost of another series, and whether a busy one delays the others.

Run as ``python -m bench.series``. A whole system trades 1, 2, 4, 8 and 12 series of a local
exchange at 50 frames a second each, in both layouts. Then twelve of which one orders and the others
only watch, like most series most of the time. Then four of which the first has 1,600 frames a
second and orders nothing, so that every order is of a quiet series beside it. Processor time and
memory are those of the system's own processes, without the exchange. Memory is unique memory, as in
``bench.memory``. Linux only.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import attrs

from actors.roles import MARKET_STATE, STRATEGY, base_role
from actors.series import series_named
from actors.settings import SeriesPlan, Settings
from actors.supervision.layouts import GROUPED
from bench.common import Machine, Row, Table, Target, latency_figures, options, show
from bench.memory import unique_bytes
from bench.system import (
    EAGER,
    NORMAL_ACTIVITY,
    System,
    add_layout,
    all_serve,
    exchange,
    in_layout,
    layouts_of,
    now_ms,
    system,
)

NAMES = (
    *("btc-15m", "eth-5m", "sol-15m", "xrp-5m"),
    *("doge-15m", "bnb-5m", "hype-15m", "zec-5m"),
    *("btc-5m", "eth-15m", "sol-5m", "xrp-15m"),
)
COUNTS = (1, 2, 4, 8, 12)
RATE, BUSY_RATE = 50.0, 1_600.0
"""Frames per second of each series, and of a busy one."""
BUSY_AMONG = 4
LEAD_MS = 20_000
TOTAL_MB = 400.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def settings_of(count: int, layout: str, idle_count: int) -> Settings:
    """Settings of an eager system with this many series; the first of them only watch."""
    base = attrs.evolve(
        EAGER, execution=attrs.evolve(EAGER.execution, max_open_orders=min(50, 4 * count))
    )
    idle = attrs.evolve(base.strategy, max_trade_shares=1)  # fewer than an order must have
    plans = []
    for number, name in enumerate(NAMES[:count]):
        strategy = idle if number < idle_count else base.strategy
        plans.append(SeriesPlan(series=series_named(name), strategy=strategy, risk=base.risk))
    traded = tuple(plans) if count > 1 else ()
    return in_layout(attrs.evolve(base, series=plans[0].series, traded=traded), layout)


def processor_s(pid: int) -> float:
    """Processor time that a process has used."""
    after_name = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS_PER_S


def measured(
    count: int, layout: str, seconds: float, *, idle_count: int = 0, is_first_busy: bool = False
) -> Row:
    """Let a system trade this many series for a while."""
    options = ["--series", ",".join(NAMES[:count])]
    if is_first_busy:
        options += ["--rate", f"{NAMES[0]}={BUSY_RATE / NORMAL_ACTIVITY:.0f}"]
    with (
        exchange(RATE, LEAD_MS, *options) as venue,
        system(settings_of(count, layout, idle_count), venue) as running,
    ):
        running.wait_for_window()
        report = running.report()
        pids = {child.pid for child in report.children} | {report.pid}
        began, used_s = time.monotonic(), sum(map(processor_s, pids))
        samples: list[int] = []
        while time.monotonic() - began < seconds:
            time.sleep(1)
            samples += running.report().latencies_us.get("tick_to_order", ())
        share = (sum(map(processor_s, pids)) - used_s) / (time.monotonic() - began)
        memory_mb = sum(map(unique_bytes, pids)) / 1e6
        took_ms = killed_to_serving_ms(running)
    figures = {
        "processor %": round(100 * share, 1),
        "unique MB": round(memory_mb, 1),
        **latency_figures(samples),
        "kill to serving ms": took_ms,
    }
    is_last = layout == GROUPED and count == COUNTS[-1] and not idle_count
    target = Target(column="unique MB", limit=TOTAL_MB) if is_last else None
    beside = f", one of them {BUSY_RATE:,.0f}/s" if is_first_busy else ""
    if idle_count > 1:
        beside = f", {idle_count} of them only watch"
    return Row(name=f"{layout}, {count} at {RATE:g}/s{beside}", figures=figures, target=target)


def killed_to_serving_ms(running: System) -> int:
    """Kill the last series' strategy process; return how soon its books serve again."""
    before = running.wait_until(all_serve)
    strategies = [each for each in before.children if base_role(each.role) == STRATEGY]
    victim = strategies[-1]
    state = victim.role.replace(STRATEGY, MARKET_STATE, 1)
    killed_at_ms = now_ms()
    os.kill(victim.pid, signal.SIGKILL)

    def serves_again() -> int:
        found = [
            each.serving_since_ms
            for each in running.report().children
            if each.role in (victim.role, state) and each.pid != victim.pid
        ]
        return max(found) if found and all(found) else 0

    deadline = time.monotonic() + 60
    while not (at_ms := serves_again()) or at_ms < killed_at_ms:
        if time.monotonic() > deadline:
            return -1
        time.sleep(0.02)
    return at_ms - killed_at_ms


def table(layout: str, seconds: float, *, is_quick: bool) -> Table:
    """All counts in one layout, and a busy one."""
    counts = COUNTS[:2] if is_quick else COUNTS
    rows = [measured(count, layout, seconds) for count in counts]
    if not is_quick:
        most = COUNTS[-1]
        rows.append(measured(most, layout, seconds, idle_count=most - 1))
        rows.append(measured(BUSY_AMONG, layout, seconds, idle_count=1, is_first_busy=True))
    notes = ["Processor in percent of one; the strategy is eager, a real one orders a hundredth."]
    return Table(title=f"series, {layout}", rows=rows, notes=notes)


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    add_layout(parser)
    parser.add_argument("--seconds", type=float, default=20.0, help="measured at each count")
    arguments = parser.parse_args()
    machine = Machine.now()
    tables = [
        table(layout, arguments.seconds, is_quick=arguments.quick)
        for layout in layouts_of(arguments)
    ]
    show(machine, tables, is_json=arguments.json)


if __name__ == "__main__":
    main()
