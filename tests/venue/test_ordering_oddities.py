"""What the venue says of orders and trades that clients did not expect of it: F29, F30, F39-F41."""

from __future__ import annotations

from typing import Any

import pytest
from ordering_builders import ALICE, AT_ONCE, BOB, DELAYED, DOWN, UP, Venue

from actors.units import shares
from venue.engine.messages import Outcome
from venue.faults import FaultKind
from venue.ordering.reads import AccountReads
from venue.ordering.records import Flaw
from venue.wire.orders import BUY, SELL


def venue_with_asks(*sizes: int, taker_delay_ms: int = AT_ONCE) -> Venue:
    """Up can be bought at $0.55 from one simulated trader for each size."""
    venue = Venue(taker_delay_ms)
    for number, size in enumerate(sizes):
        venue.robot(f"ask-{number}", Outcome.DOWN, 450, size)
    return venue


def order_events(venue: Venue, wallet: str = ALICE) -> list[tuple[str, str, str]]:
    return [
        (event["type"], event["status"], event["size_matched"])
        for event in venue.told(wallet)
        if event["event_type"] == "order"
    ]


def trade_rows(venue: Venue, wallet: str = ALICE) -> list[dict[str, Any]]:
    reads = AccountReads(1, venue.desk.books, venue.ledger)
    return list(reads.trades(wallet, {}, venue.now_ms)["data"])


@pytest.mark.parametrize("kind", ["FAK", "GTC"])
def test_f29_an_order_is_matched_with_less_than_was_ordered(kind: str) -> None:
    venue = venue_with_asks(6)
    venue.plan(FaultKind.SHORT_MATCH)
    terms = {"money": 5_500_000} if kind == "FAK" else {"price": 0.55}

    placed = venue.place(size=10, kind=kind, **terms)
    venue.pass_time(1_000)

    assert placed.status == "matched"
    assert order_events(venue)[-1] == ("UPDATE", "MATCHED", "6")
    assert "CANCELLATION" not in [event[0] for event in order_events(venue)]
    refused = dict(venue.desk.cancel(ALICE, [placed.order_id], venue.now_ms).not_canceled)
    assert "already canceled or matched" in refused[placed.order_id]
    assert venue.ledger.account(ALICE).reserved_nanos == 0
    venue.robot("late", Outcome.DOWN, 450, 50)
    venue.pass_time(1_000)
    assert order_events(venue)[-1] == ("UPDATE", "MATCHED", "6")


def test_f29_an_order_that_waited_out_the_delay_is_matched_short_too() -> None:
    venue = venue_with_asks(6, taker_delay_ms=DELAYED)
    venue.plan(FaultKind.SHORT_MATCH)

    placed = venue.place(size=10, price=0.55)
    venue.pass_time(1_000)

    assert placed.status == "delayed"
    assert order_events(venue)[-1] == ("UPDATE", "MATCHED", "6")


@pytest.mark.parametrize("is_taker", [True, False])
def test_f29_an_order_is_matched_a_little_short_of_the_whole(is_taker: bool) -> None:
    venue = venue_with_asks(6, 6) if is_taker else Venue(AT_ONCE)
    before = (venue.cash(), venue.held(Outcome.UP))
    venue.plan(FaultKind.SHORT_MATCH)

    placed = venue.place(size=10, price=0.55)
    if not is_taker:
        venue.robot("sale", Outcome.DOWN, 450, 30)
    venue.pass_time(1_000)

    order = venue.desk.books.orders[placed.order_id]
    assert 0 < shares(10) - order.filled_units <= 105_000
    assert order_events(venue)[-1][:2] == ("UPDATE", "MATCHED")
    trade = venue.desk.books.trades[order.trade_ids[-1]]
    fee_nanos = trade.traded.fee_nanos if is_taker else 0
    assert venue.held(Outcome.UP) - before[1] == order.filled_units
    assert before[0] - venue.cash() == 550 * order.filled_units + fee_nanos
    assert venue.ledger.account(ALICE).reserved_nanos == 0
    venue.ledger.audit()


def test_f30_a_strangers_part_cannot_be_read_on_the_channel_and_in_reads() -> None:
    flaws = set()
    for seed in range(12):
        venue = Venue(AT_ONCE, seed)
        venue.place(BOB, price=0.5, size=10)
        venue.plan(FaultKind.UNREADABLE_PART)
        placed = venue.place(ALICE, side=SELL, price=0.5, size=10)
        venue.pass_time(1_000)
        told = next(one for one in venue.told(BOB) if one["event_type"] == "trade")
        (row,) = trade_rows(venue, BOB)
        for parts in (told["maker_orders"], row["maker_orders"]):
            stranger, own = parts
            assert (own["matched_amount"], own["maker_address"]) == ("10", BOB)
            assert stranger["maker_address"] not in (ALICE, BOB)
        trade = venue.desk.books.trades[placed.trade_ids[0]]
        flaws.add(trade.stranger)
        readable = {
            Flaw.EMPTY_AMOUNT: stranger["matched_amount"] == "",
            Flaw.ZERO_AMOUNT: stranger["matched_amount"] == "0",
            Flaw.NO_ORDER_ID: "order_id" not in stranger,
        }
        assert [flaw for flaw, is_so in readable.items() if is_so] == [trade.stranger]
    assert flaws == set(Flaw)


def test_f39_every_reading_tells_a_trades_row_twice() -> None:
    venue = venue_with_asks(40)
    venue.place(size=10, price=0.55)
    venue.plan(FaultKind.REPEATED_ROW)
    placed = venue.place(size=10, price=0.55)
    venue.place(size=10, price=0.55)

    rows = trade_rows(venue)

    assert [row["id"] for row in rows].count(placed.trade_ids[0]) == 2
    assert (len(rows), rows[-1]) == (4, rows[1])
    assert trade_rows(venue) == rows


@pytest.mark.parametrize(("wallet", "side"), [(ALICE, BUY), (BOB, SELL)])
def test_f40_an_orders_trades_add_up_to_a_little_more_than_was_ordered(
    wallet: str, side: str
) -> None:
    """Once as a taker that buys, once as a maker whose sale a simulated trader takes."""
    venue = venue_with_asks(6, 6) if side == BUY else Venue(AT_ONCE)
    before = (venue.cash(wallet), venue.held(Outcome.UP, wallet))
    venue.plan(FaultKind.EXCESS_FILL)

    placed = venue.place(wallet, side=side, price=0.55, size=10)
    if side == SELL:
        venue.robot("bid", Outcome.UP, 550, 30)
    venue.pass_time(10_000)

    order = venue.desk.books.orders[placed.order_id]
    excess_units = order.filled_units - shares(10)
    assert 0 < excess_units <= 105_000
    assert order_events(venue, wallet)[-1][:2] == ("UPDATE", "MATCHED")
    trade = venue.desk.books.trades[order.trade_ids[-1]]
    sign = 1 if side == BUY else -1
    fee_nanos = trade.traded.fee_nanos if side == BUY else 0
    after = (venue.cash(wallet), venue.held(Outcome.UP, wallet))
    assert after[1] - before[1] == sign * order.filled_units
    assert before[0] - after[0] == sign * 550 * order.filled_units + fee_nanos
    own = venue.desk.books.trades_of(wallet)
    assert sum(trade.traded.size_units for trade in own) == order.filled_units
    venue.ledger.audit()


def test_f40_nobody_trades_more_than_he_can_afford() -> None:
    venue = Venue(AT_ONCE)
    venue.robot("bid", Outcome.UP, 550, 200)
    venue.plan(FaultKind.EXCESS_FILL)

    placed = venue.place(side=SELL, price=0.55, size=100)

    assert venue.desk.books.orders[placed.order_id].filled_units == shares(100)
    assert venue.held(Outcome.UP) == 0
    venue.ledger.audit()


def test_f41_a_trade_fails_after_it_was_confirmed() -> None:
    venue = venue_with_asks(20)
    before = (venue.cash(), venue.held(Outcome.UP), venue.cash("fees"))
    venue.plan(FaultKind.LATE_FAILURE)

    venue.place(price=0.55, size=10)
    venue.pass_time(40_000)

    trades = [event for event in venue.told() if event["event_type"] == "trade"]
    assert [event["status"] for event in trades] == ["MATCHED", "MINED", "CONFIRMED", "FAILED"]
    (row,) = trade_rows(venue)
    assert row["status"] == "TRADE_STATUS_FAILED"
    assert (venue.cash(), venue.held(Outcome.UP), venue.cash("fees")) == before
    venue.ledger.audit()


def test_f40_two_clients_trade_exactly_what_they_ordered() -> None:
    venue = Venue(AT_ONCE)
    venue.place(BOB, token=UP, price=0.6, size=10)
    venue.plan(FaultKind.EXCESS_FILL)

    placed = venue.place(ALICE, token=DOWN, price=0.4, size=10)

    assert venue.desk.books.orders[placed.order_id].filled_units == shares(10)
    assert venue.faults.injected[FaultKind.EXCESS_FILL] == 0, "it waits for one it can strike"
    venue.ledger.audit()
