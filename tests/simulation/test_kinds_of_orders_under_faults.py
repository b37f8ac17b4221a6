"""Orders that rest, are replaced, sold or killed at once, under every fault there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.settings import StrategySettings
from simulation.plan import LIVE, SIMULATED
from simulation.trial import run_trial
from understudy.settings.config import load

EVERY_KIND = Path(__file__).with_name("every_kind.py")


def strategy(use: str) -> StrategySettings:
    return load(None, (f"strategy.use={use}",)).settings.strategy


@pytest.mark.parametrize(
    ("use", "mode", "seed"),
    [
        ("maker", SIMULATED, 1),
        ("maker", LIVE, 1),
        (f"{EVERY_KIND}:EveryKind", SIMULATED, 1),
        (f"{EVERY_KIND}:EveryKind", LIVE, 1),
    ],
    ids=lambda value: str(value).rpartition("/")[2],
)
def test_every_kind_of_order_keeps_every_invariant(use: str, mode: str, seed: int) -> None:
    result = run_trial(seed, minutes=1, mode=mode, strategy=strategy(use))
    assert result.failure is None
    assert result.order_count > 10
