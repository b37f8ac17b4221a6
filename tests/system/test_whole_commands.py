"""The two commands that bring their own exchange, as a person or a CI job runs them."""

from __future__ import annotations

import json

import pytest
from onlookers import understudy

from understudy.drill.report import COUNTERS
from understudy.processes.exit_codes import ExitCode

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]


def test_signed_orders_of_three_series_survive_kills_and_faults_together() -> None:
    """The one long test: its verdict holds the journal against the exchange's own books."""
    done = understudy(
        *("drill", "--mode", "live", "--kills", "3", "--seed", "3", "--json"),
        *("--series", "btc-5m,eth-5m,sol-5m", "--layout", "grouped"),
    )
    assert done.stdout, done.stderr
    result = json.loads(done.stdout)
    assert result["findings"] == []
    assert {name: result[name] for name in COUNTERS} == dict.fromkeys(COUNTERS, 0)
    assert done.returncode == ExitCode.OK
    assert result["kills"] == 3
    assert sum(row["kills"] for row in result["recovery_ms"].values()) == 3
    assert result["orders"] > 0
    assert result["fills"] > 0
    assert result["windows"] > 0
    assert result["exchange_faults"] > 0


def test_live_orders_are_rehearsed_without_a_key_and_the_summary_adds_up() -> None:
    """The demo with its own exchange; what is traded on paper differs in the executor alone."""
    done = understudy(
        *("run", "--demo", "--json", "--windows", "1", "--set", "execution.mode=live"),
        *("--set", "series.window_minutes=5", "--set", "strategy.bootstrap_high_ticks=1000"),
    )
    assert done.returncode == ExitCode.OK, done.stderr
    assert "trading for account 0x" in done.stderr
    summary = json.loads(done.stdout)
    assert summary["fills"] > 0
    windows = summary["windows"]
    assert len(windows) == 1
    assert any(window["strike"] is not None for window in windows)
    assert all(window["winner"] in {"YES", "NO"} for window in windows)
    assert float(summary["pnl"]) == pytest.approx(sum(float(each["pnl"]) for each in windows))
    assert sum(summary["orders"].values()) == sum(summary["signals"].values())
    assert summary["messages_handled"] > 0
    assert set(summary["latency_us"]) <= {"tick_to_signal", "tick_to_order", "journal_write"}
