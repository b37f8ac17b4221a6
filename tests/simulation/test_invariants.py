"""Single steps that a whole run seldom takes, shown to the referee by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import pytest
from trial_plans import SETTINGS

from actors.core import Record, Save
from actors.directory.messages import Market, MarketClosing, Side
from actors.execution.desk_state import DeskState, OrdersCreated, TradingStopped
from actors.execution.messages import (
    CancelRequested,
    FillDetail,
    HaltTrading,
    OrderAccepted,
    OrderIntent,
    OrderState,
    OrderStatus,
    OutcomeUnknown,
    TimeInForce,
)
from actors.market.messages import BookView, MarketSnapshot
from actors.messages import JournalFailed, Started, TimerFired
from actors.position.ledger import WindowLedger
from actors.position.messages import Holding, PositionSnapshot
from actors.roles import DESK, OBSERVER, POSITION, STRATEGY, order_role
from actors.strategy.messages import Action, StopLossTriggered, TradeSignal, TradeSignals
from actors.units import shares
from simulation.invariants.breach import Breach
from simulation.invariants.evidence import PaperEvidence
from simulation.invariants.referee import Referee

NOW_MS = 1_000_000
MARKET = Market(
    market_id="0xabc",
    slug="btc-updown-5m-900",
    yes_token="1",
    no_token="2",
    opens_at_ms=900_000,
    closes_at_ms=1_200_000,
    tick_size_ticks=10,
    minimum_size_units=shares(5),
    minimum_notional_nanos=10**9,
    fee_rate_bps=700,
    twap_window_s=60,
)
SIGNAL = TradeSignal(
    side=Side.YES, price_ticks=400, size_units=shares(10), priority=2, reason="cheap"
)
SIGNALS = TradeSignals(
    signals_id=7,
    market_id=MARKET.market_id,
    signals=(SIGNAL,),
    position_version=1,
    snapshot_sequence=1,
    snapshot_at_ms=NOW_MS,
    passed_over=(),
    basis="",
    tick_ns=0,
)
INTENT = OrderIntent(
    order_id="order_1_00000000",
    market=MARKET,
    side=Side.YES,
    action=Action.BUY,
    price_ticks=400,
    size_units=shares(10),
    time_in_force=TimeInForce.GTC,
    created_at_ms=NOW_MS,
    expires_at_ms=NOW_MS + 3_000,
    priority=2,
    reason="cheap",
    pair_id=None,
    position_version=1,
    tick_ns=0,
)
POSITION_KNOWN = PositionSnapshot(
    market_id=MARKET.market_id,
    version=1,
    yes=Holding(quantity_units=shares(4)),
    no=Holding(),
    fees_nanos=0,
    realized_nanos=0,
)
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


def test_an_order_may_be_created_when_all_is_known() -> None:
    referee, desk = a_desk_that_may_trade()
    referee.recorded(desk, creation(INTENT))
    assert INTENT.order_id in referee.facts.orders


@pytest.mark.parametrize(
    "news",
    [
        HaltTrading("enough", cancel=False),
        JournalFailed(OBSERVER, "no space left on device"),
        MarketClosing(MARKET.market_id),
    ],
    ids=lambda news: type(news).__name__,
)
def test_no_order_after_the_desk_was_told_to_stop(news: object) -> None:
    referee, desk = a_desk_that_may_trade()
    referee.heard(desk, news)
    with breach_of(7):
        referee.recorded(desk, creation(INTENT))


def test_no_order_in_a_stopped_window() -> None:
    referee, desk = a_desk_that_may_trade()
    stopped = TradingStopped(market_id=MARKET.market_id, reason="stop loss", exit_wish=None)
    referee.recorded(desk, Record(stopped, (Save("desk", "desk", DeskState()),)))
    with breach_of(7):
        referee.recorded(desk, creation(INTENT))


def test_a_new_desk_must_be_told_the_position_again() -> None:
    referee, _ = a_desk_that_may_trade()
    successor = Someone(DESK, generation=2)
    referee.heard(successor, Started())
    with breach_of(7):
        referee.recorded(successor, creation(INTENT))


@pytest.mark.parametrize(
    ("change", "now_ms"),
    [
        ({}, MARKET.closes_at_ms),
        ({}, NOW_MS + SETTINGS.strategy.max_book_age_ms + 1),
        ({"expires_at_ms": MARKET.closes_at_ms + 1}, NOW_MS),
        ({"price_ticks": 410}, NOW_MS),
        ({"size_units": shares(11)}, NOW_MS),
        ({"action": Action.SELL}, NOW_MS),
    ],
    ids=["window over", "snapshot old", "outlives window", "dearer", "larger", "sells"],
)
def test_no_order_but_the_one_that_was_wanted_in_time(
    change: dict[str, object], now_ms: int
) -> None:
    referee, desk = a_desk_that_may_trade()
    desk.now_ms = now_ms
    with breach_of(7):
        referee.recorded(desk, creation(attrs.evolve(INTENT, **change)))


@pytest.mark.parametrize(("size_shares", "may_be"), [(4, True), (5, False)])
def test_an_exit_sells_no_more_than_is_held(size_shares: int, may_be: bool) -> None:
    referee, desk = a_desk_that_may_trade()
    wish = StopLossTriggered(
        market_id=MARKET.market_id,
        side=Side.YES,
        best_bid_ticks=200,
        held_units=shares(4),
        on_stop_loss="exit",
        position_version=1,
        tick_ns=0,
    )
    stopped = TradingStopped(market_id=MARKET.market_id, reason="stop loss", exit_wish=wish)
    referee.recorded(desk, Record(stopped, (Save("desk", "desk", DeskState()),)))
    exit_order = attrs.evolve(INTENT, action=Action.SELL, size_units=shares(size_shares))
    if may_be:
        referee.recorded(desk, creation(exit_order, signals_id=0))
    else:
        with breach_of(7):
            referee.recorded(desk, creation(exit_order, signals_id=0))


@pytest.mark.parametrize(
    "book",
    [
        attrs.evolve(BOOK, is_synced=False),
        attrs.evolve(BOOK, asks=BOOK.bids),
        attrs.evolve(BOOK, updated_at_ms=NOW_MS - SETTINGS.strategy.max_book_age_ms - 1),
    ],
    ids=["unsynced", "crossed", "old"],
)
def test_no_signal_on_an_unsound_book(book: BookView) -> None:
    referee, _ = a_desk_that_may_trade()
    strategy = Someone(STRATEGY)
    referee.heard(strategy, attrs.evolve(SNAPSHOT, sequence=2, no=book))
    with breach_of(7):
        referee.said(strategy, attrs.evolve(SIGNALS, signals_id=8, snapshot_sequence=2))


def test_an_actor_that_was_replaced_records_nothing() -> None:
    referee, desk = a_desk_that_may_trade()
    referee.heard(Someone(DESK, generation=2), Started())
    stopped = TradingStopped(market_id=MARKET.market_id, reason="stop loss", exit_wish=None)
    with breach_of(1):
        referee.recorded(desk, Record(stopped, (Save("desk", "desk", DeskState()),)))


def test_the_legs_of_a_pair_name_each_other() -> None:
    referee, desk = a_desk_that_may_trade()
    other = attrs.evolve(SIGNAL, side=Side.NO)
    strategy = Someone(STRATEGY)
    referee.said(strategy, attrs.evolve(SIGNALS, signals_id=8, signals=(SIGNAL, other)))
    strangers = (INTENT, attrs.evolve(INTENT, order_id="order_2_00000000", side=Side.NO))
    with breach_of(2):
        referee.recorded(desk, creation(*strangers, signals_id=8))


def test_unknown_does_not_end_by_itself() -> None:
    referee, order, state = an_order_at_the_venue(OrderStatus.UNKNOWN)
    given_up = attrs.evolve(state, status=OrderStatus.REJECTED)
    with breach_of(5):
        referee.recorded(order, saving(TimerFired("ask"), given_up))


def test_an_order_that_is_closed_stays_closed() -> None:
    referee, order, state = an_order_at_the_venue(OrderStatus.CANCELLED)
    referee.recorded(order, saving(TimerFired("ask"), state, is_open=False))
    with breach_of(5):
        referee.recorded(order, saving(TimerFired("ask"), state))


@pytest.mark.parametrize(
    "change",
    [
        {"intent": attrs.evolve(INTENT, price_ticks=410)},
        {"fills": ()},
        {"reversed_trade_ids": frozenset()},
    ],
    ids=["another price", "a fill less", "a reversal less"],
)
def test_an_order_forgets_nothing(change: dict[str, object]) -> None:
    referee, order, state = an_order_at_the_venue(OrderStatus.ACCEPTED)
    fill = FillDetail(
        trade_id="t1", price_ticks=400, size_units=1, fee_nanos=0, is_maker=True, timestamp_ms=1
    )
    rich = attrs.evolve(state, fills=(fill,), reversed_trade_ids=frozenset({"t1"}))
    referee.facts.take(saving(OrderAccepted(INTENT.order_id, None), rich))
    request = CancelRequested(INTENT.order_id, "enough")
    with breach_of(5):
        referee.recorded(order, saving(request, attrs.evolve(rich, **change)))


def test_what_the_machine_lost_is_forgotten_and_no_more() -> None:
    referee, order, _ = an_order_at_the_venue(OrderStatus.ACCEPTED)
    first = creation(INTENT)
    referee.torn([first])
    assert referee.facts.orders[INTENT.order_id].state.status is OrderStatus.PENDING
    assert referee.facts.ledgers == {}
    referee.heard(order, Started((OrderState(intent=INTENT),)))


@pytest.mark.parametrize(
    ("text", "is_expected"),
    [("observer cannot record: no space left", True), ("the first stands", False)],
)
def test_an_error_that_no_fault_explains_is_a_failure(text: str, is_expected: bool) -> None:
    referee = Referee(SETTINGS, Undecided(), PaperEvidence)
    if is_expected:
        referee.complained(Someone(DESK), text)
    else:
        with breach_of(0):
            referee.complained(Someone(DESK), text)
