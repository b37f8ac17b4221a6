from __future__ import annotations

import random

import pytest
from market_builders import DOWN, MARKET, NOW_MS, STRIKE, UP, answer, batch

from actors.market.core import MarketStateCore
from actors.messages.directory import MarketOpened
from actors.messages.lifecycle import Started
from actors.roles import MARKET_STATE
from actors.settings import Settings


@pytest.fixture
def core() -> MarketStateCore:
    """Started, in a window whose strike is proven, with no books yet; all have answered."""
    made = MarketStateCore(MARKET_STATE, Settings(), random.Random(1))
    made.handle(Started(), NOW_MS - 10_000)
    answer(made, made.handle(MarketOpened(market=MARKET, strike=STRIKE), NOW_MS), NOW_MS)
    return made


@pytest.fixture
def synced(core: MarketStateCore) -> MarketStateCore:
    """As ``core``, with both books."""
    answer(core, core.handle(batch(1, UP, DOWN, is_fresh_start=True), NOW_MS), NOW_MS)
    assert core.is_serving
    return core
