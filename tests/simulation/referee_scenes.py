"""A referee who has seen all that must come before an order, and the order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import pytest
from nouns import a_market, a_position, an_intent, some_signals
from trial_plans import SETTINGS

from actors.core import Record, Save
from actors.execution.desk_state import DeskState, OrdersCreated
from actors.messages.execution import (
    OrderAccepted,
    OrderIntent,
    OrderState,
    OrderStatus,
    OutcomeUnknown,
)
from actors.messages.lifecycle import Started
from actors.messages.market import BookView, MarketSnapshot
from actors.messages.strategy import TradeSignal
from actors.model import Side
from actors.position.ledger import WindowLedger
from actors.roles import DESK, POSITION, STRATEGY, order_role
from actors.units import shares
from simulation.invariants.breach import Breach
from simulation.invariants.evidence import PaperEvidence
from simulation.invariants.referee import Referee

NOW_MS = 1_000_000
MARKET = a_market(900_000, 5, market_id="0xabc", yes_token="1", no_token="2")
SIGNAL = TradeSignal(
    side=Side.YES, price_ticks=400, size_units=shares(10), priority=2, reason="cheap"
)
SIGNALS = some_signals(MARKET.market_id, SIGNAL, signals_id=7, snapshot_at_ms=NOW_MS)
INTENT = an_intent(MARKET, created_at_ms=NOW_MS, reason="cheap")
POSITION_KNOWN = a_position(MARKET.market_id, yes_units=shares(4))
BOOK = BookView(
    bids=((390, shares(10)),), asks=((400, shares(10)),), is_synced=True, updated_at_ms=NOW_MS
)
SNAPSHOT = MarketSnapshot(
    sequence=1,
    market=MARKET,
    taken_at_ms=NOW_MS,
    yes=BOOK,
    no=BOOK,
    reference_e18=None,
    reference_at_ms=0,
    strike=None,
    tick_ns=0,
)


@attrs.define
class Someone:
    role: str
    generation: int = 1
    now_ms: int = NOW_MS
    is_current: bool = True


class Undecided:
    def winner(self, market_id: str) -> Side | None:
        raise KeyError(market_id)

    def is_halted(self) -> bool:
        return False


@contextmanager
def breach_of(number: int) -> Iterator[None]:
    with pytest.raises(Breach) as caught:
        yield
    assert caught.value.invariant == number, str(caught.value)


def creation(*intents: OrderIntent, signals_id: int = 7) -> Record:
    event = OrdersCreated(market_id=MARKET.market_id, signals_id=signals_id, intents=intents)
    rows = [Save("order", intent.order_id, OrderState(intent=intent)) for intent in intents]
    return Record(event, (*rows, Save("desk", "desk", DeskState())))


def saving(event: object, state: OrderState, *, is_open: bool = True) -> Record:
    return Record(event, (Save("order", state.intent.order_id, state, is_open),))


def a_desk_that_may_trade() -> tuple[Referee, Someone]:
    """Show a referee all that must come before an order."""
    referee = Referee(SETTINGS, Undecided(), PaperEvidence)
    ledger, strategy, desk = Someone(POSITION), Someone(STRATEGY), Someone(DESK)
    for each in (ledger, strategy, desk):
        referee.heard(each, Started())
    window = WindowLedger(market=MARKET, version=1)
    referee.recorded(ledger, Record(POSITION_KNOWN, (Save("position", MARKET.market_id, window),)))
    referee.heard(strategy, POSITION_KNOWN)
    referee.heard(desk, POSITION_KNOWN)
    referee.heard(strategy, SNAPSHOT)
    referee.said(strategy, SIGNALS)
    return referee, desk


def an_order_at_the_venue(status: OrderStatus) -> tuple[Referee, Someone, OrderState]:
    referee, desk = a_desk_that_may_trade()
    referee.recorded(desk, creation(INTENT))
    order = Someone(order_role(INTENT.order_id))
    state = OrderState(intent=INTENT)
    referee.heard(order, Started((state,)))
    if status is OrderStatus.UNKNOWN:
        state = attrs.evolve(state, status=status)
        referee.recorded(order, saving(OutcomeUnknown(INTENT.order_id, "no answer"), state))
    elif status is not OrderStatus.PENDING:
        state = attrs.evolve(state, status=status)
        referee.recorded(order, saving(OrderAccepted(INTENT.order_id, None), state))
    return referee, order, state
