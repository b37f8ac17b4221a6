from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from actors.roles import DESK, EXECUTOR, MARKET_FEED, MARKET_STATE, STRATEGY
from actors.runtime.clock import ClockSpec
from actors.settings import ExecutionSettings, Settings
from understudy.composition import ACTORS, supervisor_boot

ON_AN_ORDERS_WAY = {MARKET_FEED, MARKET_STATE, STRATEGY, DESK, EXECUTOR}


def urgent_roles(tmp_path: Path, settings: Settings, speed: float) -> set[str]:
    clock = ClockSpec.starting_now(speed=speed)
    boot = supervisor_boot(
        settings, clock, tmp_path, seed=1, log_to_stderr=False, is_rehearsal=True
    )
    assert [role for process in boot.processes for role in process.roles] == list(ACTORS)
    return {role for process in boot.processes if process.is_urgent for role in process.roles}


@pytest.mark.parametrize("mode", ["simulated", "live"])
def test_whoever_a_tick_meets_on_its_way_to_an_order_is_urgent(tmp_path: Path, mode: str) -> None:
    settings = attrs.evolve(Settings(), execution=ExecutionSettings(mode=mode))
    assert urgent_roles(tmp_path, settings, speed=1) == ON_AN_ORDERS_WAY


@pytest.mark.parametrize("speed", [0.5, 20])
def test_nobody_is_urgent_when_time_does_not_run_as_it_does(tmp_path: Path, speed: float) -> None:
    assert urgent_roles(tmp_path, Settings(), speed) == set()
