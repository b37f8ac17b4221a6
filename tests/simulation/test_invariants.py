"""Single steps that a whole run seldom takes, shown to the referee by hand."""

from __future__ import annotations

import attrs
import msgspec
import pytest
from msgspec.structs import replace
from referee_scenes import (
    BOOK,
    INTENT,
    MARKET,
    NOW_MS,
    SIGNAL,
    SIGNALS,
    SNAPSHOT,
    Someone,
    Undecided,
    a_desk_that_may_trade,
    an_order_at_the_venue,
    breach_of,
    creation,
    saving,
)
from trial_plans import SETTINGS, plan

from actors.core import Record, Save
from actors.execution.desk_state import DeskState, TradingStopped
from actors.messages.directory import MarketClosing
from actors.messages.execution import CancelRequested, OrderAccepted, OrderState, OrderStatus
from actors.messages.halts import EXECUTOR_CHECKS, Halt, HaltTrading
from actors.messages.lifecycle import JournalFailed, Started, TimerFired
from actors.messages.market import BookView
from actors.messages.strategy import StopLossTriggered
from actors.model import Action, FillDetail, Side
from actors.roles import DESK, OBSERVER, STRATEGY
from actors.units import shares
from simulation.invariants.evidence import PaperEvidence
from simulation.invariants.facts import OrderFact
from simulation.invariants.referee import Referee
from simulation.trial import Trial


class Draft(msgspec.Struct):
    text: str = "not final"


def test_a_struct_that_can_be_changed_is_not_said() -> None:
    referee, desk = a_desk_that_may_trade()
    with breach_of(1):
        referee.said(desk, Draft())


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
        replace(BOOK, is_synced=False),
        replace(BOOK, asks=BOOK.bids),
        replace(BOOK, updated_at_ms=NOW_MS - SETTINGS.strategy.max_book_age_ms - 1),
    ],
    ids=["unsynced", "crossed", "old"],
)
def test_no_signal_on_an_unsound_book(book: BookView) -> None:
    referee, _ = a_desk_that_may_trade()
    strategy = Someone(STRATEGY)
    referee.heard(strategy, replace(SNAPSHOT, sequence=2, no=book))
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
    legs = tuple(attrs.evolve(SIGNAL, side=side, pair="legs") for side in Side)
    strategy = Someone(STRATEGY)
    referee.said(strategy, attrs.evolve(SIGNALS, signals_id=8, signals=legs))
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
    [("observer cannot record: no space left", True), ("the first is kept", False)],
)
def test_an_error_that_no_fault_explains_is_a_failure(text: str, is_expected: bool) -> None:
    referee = Referee(SETTINGS, Undecided(), PaperEvidence)
    if is_expected:
        referee.complained(Someone(DESK), text)
    else:
        with breach_of(0):
            referee.complained(Someone(DESK), text)


@pytest.mark.parametrize(
    ("who", "is_complaint"), [("limit max_day_loss_dollars", False), (EXECUTOR_CHECKS, True)]
)
def test_that_nothing_is_traded_in_the_end_is_right_only_after_too_great_a_loss(
    who: str, is_complaint: bool
) -> None:
    trial = Trial(1, minutes=1, plan=plan())
    trial.exchange.begin()
    assert trial.exchange.open_windows
    trial.referee.facts.halts = (Halt(who=who, reason="a test", since_ms=0, cancels=True),)
    complaints = list(trial._aftermath().untraded())
    assert any(f"a test ({who})" in each for each in complaints) is is_complaint
    assert bool(complaints) is is_complaint


def test_a_strategy_that_was_offered_nothing_it_may_take_is_offered_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trial = Trial(1, minutes=1, plan=plan())
    offer, offers_count = trial.exchange.offer_cheap_pair, 0

    def offer_late() -> None:
        nonlocal offers_count
        offers_count += 1
        if offers_count > 5:
            offer()

    monkeypatch.setattr(trial.exchange, "offer_cheap_pair", offer_late)
    assert trial.run().failure is None
    assert offers_count > 5


@pytest.mark.parametrize(("made_count", "is_complaint"), [(118, True), (119, False)])
def test_that_nothing_is_traded_in_the_end_is_right_when_others_have_made_the_minutes_orders(
    made_count: int, is_complaint: bool
) -> None:
    trial = Trial(1, minutes=1, plan=plan())
    trial.exchange.begin()
    now_ms = trial.scheduler.now_ms
    for number in range(made_count):
        intent = attrs.evolve(INTENT, order_id=f"order_{number}", created_at_ms=now_ms)
        trial.referee.facts.orders[intent.order_id] = OrderFact(OrderState(intent=intent), True)
    assert bool(list(trial._aftermath().untraded())) is is_complaint
