"""A small exchange to test with: one market, a few accounts, orders in few words."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from actors.units import NANOS_PER_DOLLAR, shares
from venue.engine import Ledger, MatchingEngine
from venue.engine.messages import (
    EngineEvent,
    LevelChanged,
    Lifetime,
    MarketRules,
    NewOrder,
    Outcome,
    Traded,
)

MARKET = "0xmarket"
UP, DOWN = Outcome.UP, Outcome.DOWN
RULES = MarketRules(
    market_id=MARKET,
    tick_size_ticks=10,
    minimum_size_units=shares(5),
    minimum_notional_nanos=NANOS_PER_DOLLAR,
    fee_rate_bps=700,
    taker_delay_ms=0,
)
FREE_OF_FEES = replace(RULES, fee_rate_bps=0)
WITH_DELAY = replace(RULES, taker_delay_ms=250)


def dollars(count: float) -> int:
    return round(count * NANOS_PER_DOLLAR)


def order(order_id: str, owner: str = "bob", **terms: Any) -> NewOrder:
    """A resting order for ten Up shares at $0.50, except for what is said."""
    defaults: dict[str, Any] = {
        "outcome": UP,
        "is_buy": True,
        "price_ticks": 500,
        "size_units": shares(10),
        "lifetime": Lifetime.GTC,
    }
    return NewOrder(order_id=order_id, owner=owner, **(defaults | terms))


class Exchange:
    """An engine and its ledger: alice and bob have $1,000 and 100 pairs each, robot no limits."""

    def __init__(self, rules: MarketRules = RULES) -> None:
        self.ledger = Ledger()
        for owner in ("alice", "bob"):
            self.ledger.open_account(owner)
            self.ledger.deposit(owner, dollars(1_100))
            self.ledger.split(owner, MARKET, shares(100))
        self.ledger.open_account("robot", is_unlimited=True)
        self.engine = MatchingEngine(rules, self.ledger)

    def submit(
        self, order_id: str, owner: str = "bob", now_ms: int = 0, **terms: Any
    ) -> list[EngineEvent]:
        """Submit ``order(...)``; leave out what happened to levels."""
        return without_levels(self.engine.submit(order(order_id, owner, **terms), now_ms))

    def cash(self, owner: str) -> int:
        return self.ledger.account(owner).cash_nanos

    def reserved(self, owner: str) -> int:
        return self.ledger.account(owner).reserved_nanos

    def held(self, owner: str, outcome: Outcome) -> int:
        return self.ledger.shares_units(owner, MARKET, outcome)


def without_levels(events: list[EngineEvent]) -> list[EngineEvent]:
    return [event for event in events if not isinstance(event, LevelChanged)]


def trades(events: list[EngineEvent]) -> list[Traded]:
    return [event for event in events if isinstance(event, Traded)]
