"""Each benchmark runs and measures what it says; no figure is judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tables_of(module: str, *arguments: str) -> dict[str, list[dict[str, Any]]]:
    command = [sys.executable, "-m", module, "--quick", "--json", *arguments]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=True)
    return {table["title"]: table["rows"] for table in json.loads(ran.stdout)["tables"]}


def test_decoding_counts_frames_of_both_kinds() -> None:
    (rows,) = tables_of("bench.decode", "--alone").values()
    assert [row["name"].split(",")[0] for row in rows] == ["price_change", "book"]
    assert all(row["frames/s"] > 0 for row in rows)


def test_the_journal_is_measured_for_both_durabilities_and_after_a_long_history() -> None:
    records, restarts = tables_of("bench.journal", "--alone").values()
    assert [row["samples"] for row in records] == [200, 200]
    assert all(row["ratio"] > 0 for row in restarts)


@pytest.mark.processes
def test_latencies_of_a_whole_system_are_collected() -> None:
    summary, *courses = tables_of("bench.latency").values()
    named = {row["name"]: row["samples"] for row in summary}
    assert list(named)[:2] == ["tick to signal, 50/s", "tick to order, 50/s"]
    assert all(named.values())
    assert [len(course) for course in courses] == [2, 2]


@pytest.mark.processes
def test_every_kill_is_followed_by_service() -> None:
    roles, trees = tables_of("bench.recovery").values()
    named = {row["name"] for row in roles}
    assert {"order", "desk", "market-feed", "market-feed, to the first fresh snapshot"} <= named
    assert all(row["samples"] == 1 for row in (*roles, *trees))


@pytest.mark.processes
def test_orders_leave_by_every_path_rest_together_and_survive_a_lost_answer() -> None:
    wire, burst, lost = tables_of("bench.orders", "--alone", "--kills", "0").values()
    assert [row["samples"] for row in wire] == [3, 3, 3]
    assert all(row["ratio"] > 0 for row in wire)
    assert burst[0]["orders/s"] > 0
    assert [row["samples"] for row in lost] == [1, 1]


@pytest.mark.processes
def test_the_demo_is_weighed_process_by_process() -> None:
    (rows,) = tables_of("bench.memory").values()
    total, *each = rows
    assert {"foreground", "supervisor", "desk"} <= {row["name"] for row in each}
    assert total["unique MB"] > max(row["unique MB"] for row in each)
