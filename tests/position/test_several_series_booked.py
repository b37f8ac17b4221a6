"""The ledger of an account that trades several series."""

from __future__ import annotations

import attrs
from core_stage import CoreStage
from ledger_builders import filled, market, resolved
from several_series import several

from actors.messages.directory import MarketOpened
from actors.messages.lifecycle import PeerRestarted
from actors.messages.position import PositionSnapshot, WindowSettled
from actors.position.core import PositionCore
from actors.roles import DESK, POSITION

ETH = attrs.evolve(market(1), slug="eth-updown-5m-1800000900", market_id="eth")


def stage() -> CoreStage:
    made = CoreStage(PositionCore, POSITION, several("btc-15m", "eth-5m"))
    made.start()
    for each in (market(), ETH):
        made.give(MarketOpened(market=each, strike=None))
    return made


def told(seen: CoreStage, role: str) -> set[str]:
    return {each.market_id for each in seen.told(role, PositionSnapshot)}


def test_a_strategy_hears_of_its_own_series_and_the_desk_of_all() -> None:
    seen = stage()
    seen.give(attrs.evolve(filled(), market=ETH))
    assert told(seen, "strategy/eth-5m") == {"eth"}
    assert told(seen, "strategy/btc-15m") == {market().market_id}
    assert told(seen, DESK) == {market().market_id, "eth"}


def test_a_strategy_that_was_made_anew_is_told_its_own_windows() -> None:
    seen = stage()
    before = len(seen.told("strategy/eth-5m", PositionSnapshot))
    seen.give(PeerRestarted("strategy/eth-5m"))
    new = seen.told("strategy/eth-5m", PositionSnapshot)[before:]
    assert [each.market_id for each in new] == ["eth"]


def test_a_settlement_goes_to_the_directory_of_the_series() -> None:
    seen = stage()
    seen.give(attrs.evolve(resolved(), market=ETH))
    assert [each.market_id for each in seen.told("directory/eth-5m", WindowSettled)] == ["eth"]
    assert seen.told("directory/btc-15m", WindowSettled) == []


def test_a_window_of_a_series_that_is_traded_no_more_is_settled_with_the_first_directory() -> None:
    seen = stage()
    orphan = attrs.evolve(market(2), slug="sol-updown-5m-1800001800", market_id="sol")
    seen.give(attrs.evolve(resolved(), market=orphan))
    assert [each.market_id for each in seen.told("directory/btc-15m", WindowSettled)] == ["sol"]
