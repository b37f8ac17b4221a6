from __future__ import annotations

from msgspec.structs import replace
from strategy_builders import snapshot

from actors.messages.lifecycle import Started
from actors.strategy.latency import SignalLatency


def test_a_snapshot_ends_a_tick_only_if_a_tick_caused_it() -> None:
    probe = SignalLatency()
    market = snapshot()
    assert probe.latency_of(market) == ("tick_to_signal", market.tick_ns)
    assert probe.latency_of(replace(market, tick_ns=0)) is None
    assert probe.latency_of(Started()) is None
