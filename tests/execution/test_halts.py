from __future__ import annotations

from typing import Any

import attrs
import pytest
from desk_stage import Desk, bids, refusals, starts
from msgspec.structs import replace
from order_builders import (
    MARKET,
    T0,
    book,
    position,
    records,
    sent,
    signal,
    signals,
    snapshot,
    stop_loss,
    with_close,
)

from actors.core import Effects, Log, Record, Send
from actors.execution.desk_state import DeskState, Halted, Resumed
from actors.execution.exits import EXIT_ATTEMPTS_MAX
from actors.messages.directory import MarketClosing
from actors.messages.execution import CancelRequested, OpenOrders, OrderIntent, OrderUpdated
from actors.messages.halts import (
    BY_HAND,
    KILL_SWITCH,
    OPERATOR,
    FlattenHoldings,
    GetHalts,
    Halt,
    HaltReport,
    HaltStatus,
    HaltTrading,
    ResumeTrading,
    halt_words,
    with_halt,
)
from actors.messages.lifecycle import JournalFailed, TimerFired
from actors.messages.market import SnapshotWanted
from actors.model import Action, Side, TimeInForce
from actors.roles import MARKET_STATE, OBSERVER, REPLY, STRATEGY, order_role
from actors.runtime.codec import decode, encode
from actors.units import shares

ROUND = TimerFired("round")
HALT = HaltTrading("odd prices", cancel=False, who=OPERATOR)
RESUME = ResumeTrading(who=OPERATOR, reason="all is well", request_id=7)
FLATTEN = FlattenHoldings(who=OPERATOR, reason="enough", request_id=7)


def status(effects: Effects) -> HaltStatus:
    (answer,) = sent(effects, HaltStatus, REPLY)
    assert isinstance(answer, HaltStatus)
    return answer


def ask(desk: Desk) -> HaltStatus:
    return status(desk.feed(GetHalts(5)))


def created(effects: Effects) -> list[OrderIntent]:
    return [each.order.intent for each in sent(effects, OrderUpdated, OBSERVER)]


# What lasts


def test_a_halt_is_recorded_with_who_why_when_and_whether_orders_are_cancelled() -> None:
    desk = Desk().ready()
    effects = desk.feed(HaltTrading("odd prices", cancel=True, who=OPERATOR, request_id=3), T0 + 9)
    (record,) = records(effects)
    halt = Halt(who=OPERATOR, reason="odd prices", since_ms=T0 + 9, cancels=True)
    assert record.event == Halted(halt)
    assert status(effects).halts == (halt,)
    assert sent(effects, OpenOrders, STRATEGY)[0].is_stopped
    assert Log("warning", "trading is halted: odd prices (operator)") in effects


@pytest.mark.parametrize(
    "message",
    [
        HALT,
        HaltTrading("HALT", cancel=True, who=KILL_SWITCH),
        HaltTrading("10 here, 12 there", cancel=True, who="executor"),
        FLATTEN,
    ],
    ids=["a person", "the file", "a mismatch", "flatten"],
)
def test_a_halt_with_a_name_survives_a_restart_and_nothing_is_traded(message: Any) -> None:
    desk = Desk().ready()
    desk.feed(message)
    desk.restart()
    desk.ready()
    assert message.reason in refusals(desk.feed(signals()))[0]
    assert ask(desk).halts[0].who == message.who


@pytest.mark.parametrize(
    "message", [HaltTrading("Ctrl-C", cancel=True), JournalFailed("order/1", "disk full")]
)
def test_a_halt_without_a_name_ends_with_the_process_and_is_not_recorded(message: Any) -> None:
    desk = Desk().ready()
    assert records(desk.feed(message)) == []
    assert ask(desk).passing_reason
    desk.restart()
    assert desk.ready().accept()


def test_the_supervisor_hears_only_of_its_own_halt_how_many_orders_are_left() -> None:
    desk = Desk().ready()
    assert sent(desk.feed(HALT), HaltReport) == []
    assert sent(desk.feed(HaltTrading("the end", cancel=True)), HaltReport) == [HaltReport(0)]


def test_cancels_leave_before_the_halt_is_recorded() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    effects = desk.feed(HaltTrading("stop", cancel=True, who=OPERATOR))
    first = effects[0]
    assert isinstance(first, Send)
    assert isinstance(first.message, CancelRequested)
    assert first.to == order_role(intent.order_id)
    assert any(isinstance(effect, Record) for effect in effects)


def test_a_restarted_desk_goes_on_cancelling_what_its_halt_cancels() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    desk.feed(HaltTrading("stop", cancel=True, who=OPERATOR))
    desk.restart()
    assert sent(desk.feed(ROUND), CancelRequested, order_role(intent.order_id))


def test_a_halt_that_does_not_cancel_leaves_orders_alone() -> None:
    desk = Desk().ready()
    desk.accept()
    assert sent(desk.feed(HALT), CancelRequested) == []
    answer = ask(desk)
    assert (answer.live_count, answer.cancelling_count) == (1, 0)


def test_the_same_halt_said_again_is_not_recorded_again() -> None:
    desk = Desk().ready()
    desk.feed(HALT)
    assert records(desk.feed(HALT, T0 + 5)) == []
    assert len(records(desk.feed(attrs.evolve(HALT, cancel=True), T0 + 6))) == 1
    assert records(desk.feed(HALT, T0 + 7)) == []
    (halt,) = ask(desk).halts
    assert (halt.since_ms, halt.cancels) == (T0, True)


def test_an_older_record_without_halts_is_read_as_not_halted() -> None:
    body = encode(DeskState(next_number=4)).replace(',"halts":[]', "")
    assert '"halts"' not in body
    assert decode("desk", body) == DeskState(next_number=4)


def test_every_who_has_a_halt_of_its_own() -> None:
    mine = Halt(who=OPERATOR, reason="lunch", since_ms=1, cancels=False)
    file = Halt(who=KILL_SWITCH, reason="fire", since_ms=2, cancels=True)
    halts = with_halt(with_halt((), mine), file)
    assert with_halt(halts, attrs.evolve(file, since_ms=3)) == halts
    assert halt_words(halts, "the end") == "lunch (operator); fire (kill-switch file); the end"


def test_a_person_s_reasons_are_all_kept_and_none_given_adds_none() -> None:
    def halts(*reasons: str, who: str = OPERATOR) -> str:
        kept: tuple[Halt, ...] = ()
        for reason in reasons:
            kept = with_halt(kept, Halt(who=who, reason=reason, since_ms=1, cancels=False))
        (halt,) = kept
        return halt.reason

    both = "odd prices; then news at two"
    assert halts("odd prices", "news at two") == both
    assert halts("odd prices", "news at two", "odd prices", BY_HAND) == both
    assert halts(BY_HAND, "odd prices") == "odd prices"
    assert len(halts(*map(str, range(1_000)))) <= 500
    assert halts("3 differ", "4 differ", who="executor") == "4 differ"


# Resume


def test_resume_lifts_every_halt_on_record_and_orders_are_taken_again() -> None:
    desk = Desk().ready()
    desk.feed(HALT)
    desk.feed(HaltTrading("HALT", cancel=True, who=KILL_SWITCH))
    effects = desk.feed(RESUME)
    (record,) = records(effects)
    assert isinstance(record.event, Resumed)
    assert (record.event.who, record.event.reason) == (OPERATOR, "all is well")
    assert [halt.who for halt in record.event.lifted] == [OPERATOR, KILL_SWITCH]
    assert not sent(effects, OpenOrders, STRATEGY)[0].is_stopped
    assert status(effects).halts == ()
    assert desk.accept()
    desk.restart()
    assert not ask(desk).halts


def test_resume_without_a_halt_changes_and_records_nothing() -> None:
    effects = Desk().ready().feed(RESUME)
    assert records(effects) == []
    assert status(effects).request_id == 7


def test_resume_does_not_lift_the_end_of_the_run() -> None:
    desk = Desk().ready()
    desk.feed(HaltTrading("Ctrl-C", cancel=True))
    assert status(desk.feed(RESUME)).passing_reason == "Ctrl-C"
    assert "Ctrl-C" in refusals(desk.feed(signals()))[0]


# Flatten


def holding(yes: int, no: int = 0, version: int = 2, **execution: Any) -> Desk:
    desk = Desk(**execution).ready()
    desk.feed(position(version, yes=yes, no=no))
    return desk


def test_flatten_halts_cancels_and_asks_for_the_book_when_orders_have_ended() -> None:
    desk = holding(10)
    (purchase,) = desk.accept(signal(Side.NO), position_version=2)
    effects = desk.feed(FLATTEN)
    assert sent(effects, CancelRequested, order_role(purchase.order_id))
    assert not sent(effects, SnapshotWanted)
    answer = status(effects)
    assert (answer.live_count, answer.cancelling_count) == (1, 1)
    desk.end(purchase)
    assert sent(desk.feed(ROUND), SnapshotWanted, MARKET_STATE)


def test_flatten_sells_the_excess_into_the_best_bid_and_keeps_pairs() -> None:
    desk = holding(30, 12)
    effects = desk.feed(FLATTEN)
    assert (status(effects).excess_side, status(effects).excess_units) == (Side.YES, shares(18))
    (sale,) = created(desk.feed(bids()))
    assert (sale.action, sale.side, sale.time_in_force) == (Action.SELL, Side.YES, TimeInForce.FAK)
    assert (sale.price_ticks, sale.size_units) == (300, shares(18))
    assert created(desk.feed(bids())) == []


def test_flatten_goes_on_until_nothing_one_sided_is_left() -> None:
    desk = holding(0, 10)
    desk.feed(FLATTEN)
    (sale,) = created(desk.feed(bids(side=Side.NO)))
    desk.end(sale, version=3)
    assert not sent(desk.feed(ROUND), SnapshotWanted)
    desk.feed(position(3, no=6))
    assert sent(desk.feed(ROUND), SnapshotWanted)
    (rest,) = created(desk.feed(bids(290, Side.NO)))
    assert rest.size_units == shares(6)
    desk.end(rest, version=4)
    desk.feed(position(4))
    assert not sent(desk.feed(ROUND), SnapshotWanted)
    assert ask(desk).is_flat


def test_flatten_goes_on_after_a_restart() -> None:
    desk = holding(10)
    desk.feed(FLATTEN)
    desk.restart()
    desk.ready()
    desk.feed(position(2, yes=10))
    assert sent(desk.feed(ROUND), SnapshotWanted, MARKET_STATE)
    assert created(desk.feed(bids()))


BAD_BOOKS = {
    "old": (bids(at_ms=T0 - 2_001), "2001 ms old"),
    "not synced": (snapshot(), "not in order"),
    "crossed": (snapshot(book(bids={500: 5}, asks={400: 5})), "not in order"),
    "no bid": (snapshot(book(asks={400: 5})), "no one buys YES"),
}


@pytest.mark.parametrize(("shown", "note"), BAD_BOOKS.values(), ids=BAD_BOOKS.keys())
def test_flatten_sells_into_no_book_that_is_not_sound(shown: Any, note: str) -> None:
    desk = holding(10)
    desk.feed(FLATTEN)
    assert created(desk.feed(shown)) == []
    answer = ask(desk)
    assert note in answer.excess_note
    assert not answer.is_excess_final


def test_dust_below_the_venues_minimum_is_left_over_and_said_so() -> None:
    desk = holding(2)
    desk.feed(FLATTEN)
    assert created(desk.feed(bids())) == []
    answer = ask(desk)
    assert (answer.excess_units, answer.is_excess_final) == (shares(2), True)
    assert "minimum" in answer.excess_note


def test_sales_that_sell_nothing_are_bounded_until_someone_flattens_again() -> None:
    desk = holding(10)
    desk.feed(FLATTEN)
    for step in range(EXIT_ATTEMPTS_MAX):
        (sale,) = created(desk.feed(bids(at_ms=T0 + step), T0 + step))
        desk.end(sale)
    assert not sent(desk.feed(ROUND), SnapshotWanted)
    assert ask(desk).is_excess_final
    assert sent(desk.feed(FLATTEN), SnapshotWanted)


def test_what_is_held_when_the_window_is_over_waits_for_its_result() -> None:
    desk = holding(10)
    desk.feed(FLATTEN)
    desk.feed(MarketClosing(MARKET.market_id))
    assert created(desk.feed(bids())) == []
    answer = ask(desk)
    assert "waits for its result" in answer.excess_note
    assert answer.is_excess_final


def test_a_book_that_nobody_asked_for_sells_nothing() -> None:
    desk = holding(10)
    assert created(desk.feed(bids())) == []
    desk.feed(HALT)
    assert created(desk.feed(bids())) == []
    other = replace(bids(), market=with_close(T0 + 1, market_id="0xother"))
    desk.feed(FLATTEN)
    assert created(desk.feed(other)) == []


def test_after_resume_nothing_more_is_sold() -> None:
    desk = holding(10)
    desk.feed(FLATTEN)
    desk.feed(RESUME)
    assert created(desk.feed(bids())) == []


def test_flattening_takes_the_place_of_a_stop_loss_exit() -> None:
    desk = holding(10)
    desk.feed(FLATTEN)
    assert starts(desk.feed(stop_loss("exit"))) == []
    (sale,) = created(desk.feed(bids()))
    assert sale.reason.startswith("flatten: sell 10 YES at the bid 0.3")


def test_a_sale_is_exempt_from_the_limits_on_new_risk() -> None:
    desk = holding(300)
    desk.feed(FLATTEN)
    (sale,) = created(desk.feed(bids(900)))
    assert sale.size_units == shares(300)


def test_shares_finer_than_the_venue_takes_are_not_offered() -> None:
    desk = Desk().ready()
    fine = attrs.evolve(position(2).yes, quantity_units=shares(10) + 12_345)
    desk.feed(attrs.evolve(position(2), yes=fine))
    desk.feed(FLATTEN)
    (sale,) = created(desk.feed(bids()))
    assert sale.size_units == shares(10) + 10_000
