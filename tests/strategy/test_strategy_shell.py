from __future__ import annotations

import attrs
from strategy_builders import snapshot

from actors.messages import Started
from actors.strategy.core import StrategyCore
from actors.strategy.shell import StrategyShell


def test_the_shell_runs_the_strategys_core() -> None:
    assert StrategyShell.core_class is StrategyCore


def test_a_snapshot_ends_a_tick_only_if_a_tick_caused_it() -> None:
    shell = StrategyShell()
    market = snapshot()
    assert shell.latency_of(market) == ("tick_to_signal", market.tick_ns)
    assert shell.latency_of(attrs.evolve(market, tick_ns=0)) is None
    assert shell.latency_of(Started()) is None
