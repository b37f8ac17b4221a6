"""What an observer shows of a run that trades several series."""

from __future__ import annotations

import attrs
from core_stage import CoreStage
from msgspec.structs import replace
from seen_builders import market, position, settled, snapshot
from several_series import several

from actors.messages.directory import MarketClosing, MarketOpened
from actors.messages.lifecycle import TimerFired
from actors.messages.market import SnapshotTaken
from actors.messages.observer import GetView, View
from actors.observer.core import ObserverCore
from actors.roles import OBSERVER, REPLY

ETH = attrs.evolve(market(), market_id="eth", slug="eth-updown-5m-900")


def stage() -> CoreStage:
    made = CoreStage(ObserverCore, OBSERVER, several("btc-15m", "eth-5m"), now_ms=1_000)
    made.start()
    made.give(position("eth", quantity_units=3))  # may come before the window is announced
    for each in (market(), ETH):
        made.give(MarketOpened(market=each, strike=None))
    return made


def view(seen: CoreStage) -> View:
    seen.give(GetView(7))
    shown = seen.told(REPLY, View)[-1]
    assert isinstance(shown, View)
    return shown


def test_each_series_shows_its_own_window_and_position() -> None:
    shown = view(stage())
    assert [each.series for each in shown.series] == ["btc-15m", "eth-5m"]
    assert [each.opened and each.opened.market_id for each in shown.series] == ["m1", "eth"]
    btc, eth = shown.series
    assert btc.position is None
    assert eth.position is not None
    assert (shown.opened, shown.position) == (btc.opened, btc.position)


def test_a_window_that_closes_is_closed_in_its_series_only() -> None:
    seen = stage()
    seen.give(MarketClosing("eth"))
    assert [each.is_closed for each in view(seen).series] == [False, True]


def test_snapshots_are_asked_for_of_each_market_state_by_itself() -> None:
    seen = stage()
    seen.give(snapshot(3, 1_000))
    seen.give(replace(snapshot(8, 1_000), market=ETH))
    seen.give(TimerFired("snapshot/eth-5m"))
    assert seen.told("market-state/eth-5m", SnapshotTaken) == [SnapshotTaken(8)]
    assert seen.told("market-state/btc-15m", SnapshotTaken) == []


def test_results_are_summed_by_series_and_a_corrected_one_counts_once() -> None:
    seen = stage()
    won = attrs.evolve(settled(2, pnl_nanos=5), slug="eth-updown-5m-900")
    for each in (settled(1, pnl_nanos=7), won, attrs.evolve(won, pnl_nanos=-4)):
        seen.give(each)
    results = {each.series: each.result for each in view(seen).series}
    assert (results["eth-5m"].settled_count, results["eth-5m"].pnl_nanos) == (1, -4)
    assert results["btc-15m"].settled_count == 0, "the slug of that one tells no series"
