"""Each benchmark runs and measures what it says; no figure is judged here.

``make test`` runs one; ``pytest -m smoke tests/bench`` or ``make bench ARGS=--quick`` the others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from actors.runtime.urgency import why_not_allowed
from bench.decode import RECORDINGS

ROOT = Path(__file__).resolve().parents[2]


def tables_of(module: str, *arguments: str) -> dict[str, list[dict[str, Any]]]:
    command = [sys.executable, "-m", module, "--quick", "--json", *arguments]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {table["title"]: table["rows"] for table in json.loads(ran.stdout)["tables"]}


def test_decoding_counts_frames_of_both_kinds() -> None:
    (rows,) = tables_of("bench.decode", "--alone").values()
    assert [row["name"].split(",")[0] for row in rows] == ["price_change", "book"]
    assert all(row["frames/s"] > 0 for row in rows)


@pytest.mark.smoke
def test_the_journal_is_measured_for_both_durabilities_and_after_a_long_history() -> None:
    records, restarts = tables_of("bench.journal", "--alone").values()
    assert [row["samples"] for row in records] == [200, 200]
    assert all(row["ratio"] > 0 for row in restarts)


@pytest.mark.smoke
def test_a_preempted_writer_is_measured_where_the_system_lets_actors_run_first() -> None:
    (rows,) = tables_of("bench.inversion").values()
    may = not why_not_allowed() and {0, 1} <= os.sched_getaffinity(0)
    assert [row["samples"] for row in rows] == ([2, 2, 2] if may else [])


@pytest.mark.smoke
@pytest.mark.processes
def test_latencies_of_a_whole_system_are_collected() -> None:
    summary, course = tables_of("bench.latency", "--layout", "grouped", "--orders-only").values()
    assert [row["name"] for row in summary] == [
        "tick to order, 50/s: grouped",
        "tick to signal, 50/s, as many orders: grouped",
        "journal write, 50/s, as many orders: grouped",
    ]
    assert all(row["samples"] for row in summary)
    assert len(course) == 2


@pytest.mark.smoke
@pytest.mark.processes
def test_every_fall_is_followed_by_service() -> None:
    killed, raised = tables_of(
        "bench.recovery", "--layout", "grouped", "--tree-rounds", "0"
    ).values()
    assert {"trading", "market-feed, to the first fresh snapshot"} <= {r["name"] for r in killed}
    assert {"desk", "market-state", "order"} <= {row["name"] for row in raised}
    assert all(row["samples"] == 1 for row in (*killed, *raised))


@pytest.mark.smoke
@pytest.mark.processes
def test_orders_leave_by_every_path_rest_together_and_survive_a_lost_answer() -> None:
    wire, burst, lost = tables_of("bench.orders", "--alone", "--kills", "0").values()
    assert [row["samples"] for row in wire] == [3, 3, 3]
    assert all(row["ratio"] > 0 for row in wire)
    assert burst[0]["orders/s"] > 0
    assert [row["samples"] for row in lost] == [1, 1]


@pytest.mark.smoke
@pytest.mark.processes
def test_the_demo_is_weighed_process_by_process_and_so_are_orders() -> None:
    demo, orders = tables_of("bench.memory", "--layout", "grouped").values()
    total, *each = demo
    assert {"foreground", "supervisor", "trading"} <= {row["name"] for row in each}
    assert total["unique MB"] > max(row["unique MB"] for row in each)
    assert len(orders) == 1


@pytest.mark.smoke
@pytest.mark.skipif(not list(RECORDINGS.glob("*.zst")), reason="no recording is at hand")
def test_recorded_windows_are_played_on_virtual_time_and_profiled() -> None:
    speed, folders, functions = tables_of("bench.scheduler", "--layout", "grouped").values()
    assert speed[0]["messages/s"] > 0
    assert speed[0]["errors logged"] == 0
    assert "actors/market" in {row["name"] for row in folders}
    assert functions


@pytest.mark.smoke
def test_simulated_windows_are_counted() -> None:
    ((row,),) = tables_of("bench.simulate").values()
    assert row["windows/s"] > 0


@pytest.mark.smoke
def test_backtests_are_measured_on_price_changes_and_on_recorded_books() -> None:
    tables = tables_of("bench.backtest")
    speeds = tables["one core"]
    assert speeds[0]["name"] == "price changes, local exchange"
    assert all(row["events/s"] > 0 for row in speeds)
    assert tables["search"][0]["trials an hour"] > 0
    assert sum(row["share %"] for row in tables["where it goes, price changes"]) > 90


@pytest.mark.smoke
def test_a_long_backtests_memory_is_looked_at_while_orders_are_made() -> None:
    ((alone, together, kept),) = tables_of("bench.backtest_memory").values()
    assert alone["orders"] > 0 < together["orders"]
    assert kept["peak MB"] > 0
