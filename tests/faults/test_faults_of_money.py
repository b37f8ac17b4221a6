"""F29-F31, F39-F41: words of the venue that end nothing, spoil nothing, and take nothing away.

These run against the real executor's core, whose venue says exactly the rows that were reported.
"""

from __future__ import annotations

import attrs
import pytest
from core_stage import CoreStage
from desk_stage import Desk, bids
from order_builders import MARKET, ORDER_ID, T0, book, detail, position, sent, snapshot, stop_loss
from real_bench import VENUE_ID, Bench, wire_maker_trade, wire_order, wire_trade

from actors.execution.exits import EXIT_ATTEMPTS_MAX
from actors.execution.real.messages import CancelOrders, UnreadRow
from actors.execution.real.user_channel import Settlement
from actors.messages.directory import MarketOpened, MarketResolved
from actors.messages.execution import (
    FillReversed,
    OrderCancelled,
    OrderFilled,
    OrderStatus,
    OrderUpdated,
)
from actors.messages.halts import HaltTrading
from actors.messages.lifecycle import TimerFired
from actors.messages.market import SnapshotWanted
from actors.messages.position import LateFailure, WindowSettled
from actors.model import Action, Side, TimeInForce
from actors.position.core import PositionCore
from actors.roles import DESK, DIRECTORY, MARKET_STATE, OBSERVER, POSITION
from actors.units import shares, units_from_text

LONG = {"expires_at_ms": T0 + 300_000}


def placed(**changes: object) -> Bench:
    """An order for 10 shares that the venue holds."""
    bench = Bench().open()
    bench.place("matched", **(LONG | changes))
    return bench


@pytest.mark.parametrize(
    ("action", "time_in_force"),
    [(Action.BUY, TimeInForce.GTC), (Action.SELL, TimeInForce.FAK)],
    ids=["a purchase", "the sale of a stop loss"],
)
@pytest.mark.parametrize("is_read", [False, True], ids=["heard", "read"])
def test_f29_an_order_that_is_matched_for_a_part_has_ended_with_that_part(
    action: Action, time_in_force: TimeInForce, is_read: bool
) -> None:
    bench = placed(action=action, time_in_force=time_in_force)
    matched = wire_order("MATCHED", 5, order_type=time_in_force.value)
    if is_read:
        bench.read_until(T0 + 3_000, wire_trade("t1", 5), gone=(matched,))
    else:
        bench.hear(matched, wire_trade("t1", 5))
    assert bench.status is OrderStatus.CANCELLED
    (end,) = bench.news(OrderCancelled)
    assert (end.filled_units, "5 of 10" in end.reason) == (shares(5), True)
    assert bench.commanded(CancelOrders) == []


def test_f29_an_order_matched_but_for_its_dust_ends_with_what_the_venue_says() -> None:
    bench = placed()
    bench.hear(wire_order("MATCHED", "9.997714"), wire_trade("t1", 1, size="9.997714"))
    assert bench.status is OrderStatus.CANCELLED
    assert bench.news(OrderCancelled)[0].filled_units == units_from_text("9.997714")


def test_f29_a_matched_order_waits_for_the_trades_that_its_size_names() -> None:
    bench = placed()
    bench.hear(wire_order("MATCHED", 5), wire_trade("t1", 3))
    assert bench.status is OrderStatus.PARTIALLY_FILLED
    bench.hear(wire_trade("t2", 2))
    assert bench.status is OrderStatus.CANCELLED


def test_f29_a_match_of_nothing_proves_no_end_at_nothing() -> None:
    bench = placed()
    bench.hear(wire_order("MATCHED", 0))
    assert bench.status is OrderStatus.ACCEPTED
    bench.hear(wire_trade("t1", 10))
    assert bench.status is OrderStatus.FILLED


def test_f29_a_cancel_that_finds_nothing_is_said_no_more_once_the_order_is_gone() -> None:
    bench = placed()
    bench.hear(wire_trade("t1", 5))
    bench.cancel()
    bench.cancelled(refused={VENUE_ID: "already canceled or matched"})
    # Its own row goes on to say a word that is no end; it is not among the open orders.
    bench.read_until(T0 + 12_000, wire_trade("t1", 5), gone=(wire_order("SETTLING", 5),))
    assert bench.status is OrderStatus.CANCELLED
    count = len(bench.commanded(CancelOrders))
    bench.read_until(T0 + 30_000, wire_trade("t1", 5), gone=(wire_order("SETTLING", 5),))
    assert len(bench.commanded(CancelOrders)) == count
    assert bench.report().status is OrderStatus.CANCELLED


def test_f29_an_order_that_rests_after_all_is_not_given_up_for_such_a_cancel() -> None:
    bench = placed()
    bench.cancel()
    bench.cancelled(refused={VENUE_ID: "already canceled or matched"})
    bench.read_until(T0 + 12_000, wire_order("LIVE"))
    assert bench.status is OrderStatus.ACCEPTED
    assert len(bench.commanded(CancelOrders)) > 1


def test_f29_what_trades_and_what_fails_after_such_an_end_still_counts() -> None:
    bench = placed()
    bench.hear(wire_order("MATCHED", 5), wire_trade("t1", 5))
    bench.hear(wire_trade("t2", 3), wire_trade("t1", 5, status="FAILED"))
    assert bench.counted == ["t1", "t2"]
    assert bench.taken_back == ["t1"]
    assert (bench.status, bench.live.traded_units) == (OrderStatus.CANCELLED, shares(8))


def test_f29_trades_that_never_add_up_to_the_matched_size_hold_no_order_for_ever() -> None:
    bench = placed()
    bench.hear(wire_order("MATCHED", 5), wire_trade("t1", 4))
    bench.read_until(T0 + 50_000, wire_trade("t1", 4))
    assert bench.status is OrderStatus.PARTIALLY_FILLED
    bench.read_until(T0 + 90_000, wire_trade("t1", 4))
    assert bench.status is OrderStatus.CANCELLED
    assert any(f"{ORDER_ID} traded 5" in log.text for log in bench.logs if log.level == "error")
    bench.read_until(T0 + 130_000, wire_trade("t2", 1))
    assert bench.live.traded_units == shares(5)


def test_f29_a_matched_size_beyond_what_was_told_after_the_end_is_read_at_once() -> None:
    bench = placed()
    bench.hear(wire_order("MATCHED", 5), wire_trade("t1", 5))
    bench.read_until(T0 + 2_000, wire_trade("t1", 5))
    count = len(bench.readings)
    bench.hear(wire_order("MATCHED", 10))
    bench.advance(bench.now_ms + 1_100)
    assert len(bench.readings) == count + 1


# F30: what cannot be read

FOREIGN = {"order_id": "0x" + "ee" * 32, "maker_address": "0x" + "00" * 20, "owner": "another"}
UNREADABLE = [
    {"matched_amount": ""},
    {"matched_amount": "0"},
    {"matched_amount": "1", "price": None},
    {"matched_amount": "1", "price": "0.5", "order_id": None},
    {"matched_amount": "1", "price": "0.5", "order_id": ""},
]


@pytest.mark.parametrize("foreign", UNREADABLE, ids=str)
@pytest.mark.parametrize("is_read", [False, True], ids=["heard", "read"])
def test_f30_a_maker_s_part_that_is_foreign_and_unreadable_spoils_no_fill_of_ours(
    foreign: dict[str, object], is_read: bool
) -> None:
    bench = placed()
    trade = wire_trade("t1", 10, maker_orders=[FOREIGN | foreign])
    if is_read:
        bench.read_until(T0 + 3_000, trade)
    else:
        bench.hear(trade)
    assert bench.status is OrderStatus.FILLED
    (told,) = [log.text for log in bench.logs if "cannot be read" in log.text]
    assert ("somebody else's" in told, "1 of this kind so far" in told) == (True, True)


def test_f30_what_a_foreign_taker_lacks_spoils_no_fill_of_ours_as_maker() -> None:
    bench = placed()
    bench.hear(wire_maker_trade("t1", (VENUE_ID, 10), size="", price="", side=""))
    assert bench.status is OrderStatus.FILLED


def test_f30_a_row_that_cannot_be_read_at_all_leaves_the_rest_of_the_reading() -> None:
    bench = placed()
    nameless = UnreadRow(market_id="0xother", venue_order_id="", reason="a row has no id")
    bench.read_until(T0 + 3_000, wire_trade("t1", 10), unread=(nameless,))
    assert bench.status is OrderStatus.FILLED


@pytest.mark.parametrize("is_whole_row", [False, True], ids=["part", "row"])
def test_f30_an_old_window_s_unreadable_row_blocks_no_later_window(is_whole_row: bool) -> None:
    bench = placed()
    bench.hear(wire_trade("t1", 10))
    later = attrs.evolve(
        MARKET,
        market_id="0xlater",
        yes_token="later-yes",
        no_token="later-no",
        opens_at_ms=MARKET.closes_at_ms,
        closes_at_ms=MARKET.closes_at_ms + 900_000,
    )
    ours = wire_trade("t2", 1, size="")
    unread = UnreadRow(market_id=MARKET.market_id, venue_order_id="", reason="no id")
    rows = () if is_whole_row else (ours,)
    bench.give(MarketOpened(market=later, strike=None))
    bench.ledger[Side.YES] = 0
    bench.open_market_id = later.market_id
    bench.read_until(T0 + 40_000, *rows, unread=(unread,) if is_whole_row else ())
    assert bench.core.is_serving
    bench.place(None, order_id="order_2_0000beef", market=later, expires_at_ms=T0 + 300_000)
    assert len(bench.posts) == 2


def test_f30_our_own_part_that_cannot_be_read_is_an_error_and_counts_when_it_can() -> None:
    bench = placed()
    bench.hear(wire_trade("t1", 10, size=""))
    assert bench.live.trades == ()
    assert [log.level for log in bench.logs if ORDER_ID in log.text] == ["error"]
    bench.read_until(T0 + 3_000, wire_trade("t1", 10))
    assert bench.status is OrderStatus.FILLED


def test_f30_half_of_our_part_is_no_size_of_it() -> None:
    bench = placed()
    row = wire_maker_trade("t1", (VENUE_ID, 3), (VENUE_ID, 4))
    row["maker_orders"][1]["matched_amount"] = ""
    bench.hear(row)
    assert bench.live.trades == ()
    bench.hear(wire_maker_trade("t1", (VENUE_ID, 3), (VENUE_ID, 4)))
    assert bench.live.traded_units == shares(7)


def test_f30_a_window_is_not_compared_by_rows_of_ours_that_cannot_be_read() -> None:
    bench = Bench().begin()
    bench.listen()
    bench.ledger[Side.YES] = shares(10)
    bench.read_until(T0 + 60_000, wire_trade("t1", 10, taker_order_id="0x1", size=""))
    assert not bench.core.is_serving
    assert bench.told(DESK, HaltTrading) == []
    bench.read_until(T0 + 62_000, wire_trade("t1", 10, taker_order_id="0x1"))
    assert bench.core.is_serving


def test_f30_an_order_whose_trade_may_be_hidden_is_neither_posted_again_nor_ended_soon() -> None:
    bench = Bench().open()
    bench.place(None, **LONG)
    bench.lose()
    hidden = UnreadRow(market_id=MARKET.market_id, venue_order_id="", reason="a row has no id")
    bench.read_until(T0 + 40_000, unread=(hidden,))
    assert (bench.status, len(bench.posts)) == (OrderStatus.UNKNOWN, 1)
    bench.read_until(T0 + 90_000, unread=(hidden,))
    assert (bench.status, len(bench.posts)) == (OrderStatus.CANCELLED, 1)


# F31: what is sold, and at which bid


def stopped(*bids_seen: int | None) -> list[int]:
    """Prices of a stop loss's sales, each of which misses, if these are the bids, one a second."""
    desk = Desk().ready()
    desk.feed(position(2, yes=10))
    effects = desk.feed(stop_loss("exit", best_bid_ticks=bids_seen[0] or 0))
    prices = []
    for step, bid in enumerate(bids_seen):
        at_ms = T0 + step * 1_000
        if sent(effects, SnapshotWanted, MARKET_STATE):
            shown = bids(bid, at_ms=at_ms) if bid else snapshot(book(at_ms=at_ms), at_ms=at_ms)
            effects = desk.feed(shown, at_ms)
        for told in sent(effects, OrderUpdated, OBSERVER):
            prices.append(told.order.intent.price_ticks)
            desk.end(told.order.intent, now_ms=at_ms)
        effects = desk.feed(TimerFired("round"), at_ms + 1_000)
    return prices


def test_f31_each_sale_of_a_stop_loss_is_at_the_bid_that_there_is_then() -> None:
    falling = [240, 220, 200, 180, 160, 140, 120, 110, 100]
    assert stopped(*falling) == falling


def test_f31_a_stop_loss_without_a_bid_sells_when_there_is_one() -> None:
    assert stopped(None, None, 150, None, 130) == [150, 130]


def test_f31_bids_that_cannot_be_sold_into_use_up_no_attempt() -> None:
    # 10 shares at 0.09 are worth less than the venue's least order, $1.
    worthless = [90] * (EXIT_ATTEMPTS_MAX + 2)
    assert stopped(240, *worthless, *[None] * EXIT_ATTEMPTS_MAX, 130) == [240, 130]


def test_f31_sales_that_miss_are_bounded() -> None:
    bids_seen = range(240, 240 - 2 * EXIT_ATTEMPTS_MAX, -1)
    assert stopped(*bids_seen) == list(bids_seen)[:EXIT_ATTEMPTS_MAX]


# F41: FAILED after CONFIRMED


def confirmed() -> Bench:
    """An order that has traded, has left, and whose trade is CONFIRMED."""
    bench = placed()
    bench.hear(wire_trade("t1", 10), wire_trade("t1", 10, status="CONFIRMED"))
    bench.ledger[Side.YES] = shares(10)
    bench.book("t1")
    bench.forget()
    return bench


def failed() -> dict[str, object]:
    return wire_trade("t1", 10, status="FAILED")


def test_f41_a_trade_that_fails_after_it_was_confirmed_is_taken_back_and_said() -> None:
    bench = placed()
    bench.hear(wire_trade("t1", 10), wire_trade("t1", 10, status="CONFIRMED"), failed())
    assert bench.taken_back == ["t1"]
    assert bench.live.trades[0].settlement is Settlement.FAILED
    (told,) = [log for log in bench.logs if log.level == "error"]
    assert ("CONFIRMED" in told.text, "reversed" in told.text) == (True, True)


@pytest.mark.parametrize("status", ["MATCHED", "MINED", "RETRYING", "CONFIRMED"])
def test_f41_no_other_word_changes_what_was_confirmed_or_failed(status: str) -> None:
    bench = confirmed()
    bench.hear(wire_trade("t1", 10, status=status))
    assert bench.live.trades[0].settlement is Settlement.CONFIRMED
    bench.hear(failed(), wire_trade("t1", 10, status=status))
    assert bench.live.trades[0].settlement is Settlement.FAILED


@pytest.mark.parametrize("has_fallen", [False, True], ids=["same process", "after a restart"])
@pytest.mark.parametrize("is_read", [False, True], ids=["heard", "read"])
def test_f41_the_failure_is_taken_back_long_after_the_window_was_over(
    has_fallen: bool, is_read: bool
) -> None:
    bench = confirmed()
    bench.read_until(MARKET.closes_at_ms + 600_000, wire_trade("t1", 10, status="CONFIRMED"))
    if has_fallen:
        bench.restart()
    else:
        bench.listen()
    if is_read:
        bench.read_until(bench.now_ms + 90_000, failed())
    else:
        bench.hear(failed())
    (reversal,) = {each.fill.trade_id: each for each in bench.told(POSITION, FillReversed)}.values()
    assert (reversal.fill.trade_id, reversal.fill.size_units) == ("t1", shares(10))
    bench.book("t1", is_reversal=True)
    bench.ledger[Side.YES] = 0
    bench.forget()
    bench.read_until(bench.now_ms + 2_000, failed())
    assert bench.told(POSITION, FillReversed) == []


def test_f41_a_failure_of_an_order_that_nobody_knows_any_more_is_said_once() -> None:
    bench = Bench().open()
    bench.hear(failed(), failed())
    assert len([log for log in bench.logs if "t1 failed" in log.text]) == 1


def test_f41_a_failure_of_an_order_that_nobody_knows_any_more_is_left_to_the_ledger() -> None:
    bench = Bench().open()
    bench.hear(failed(), failed())
    bench.advance(bench.now_ms + 5_000)
    told = bench.told(POSITION, LateFailure)
    assert set(told) == {LateFailure(MARKET.market_id, "t1")}
    assert len(told) > 2, "until it is answered"
    bench.forget()
    bench.give(told[0].answer(version=7))
    bench.hear(failed())
    bench.advance(bench.now_ms + 5_000)
    assert bench.told(POSITION, LateFailure) == []


def test_f41_a_failure_that_the_ledger_has_not_answered_outlives_the_executor() -> None:
    bench = Bench().open()
    bench.hear(failed())
    bench.restart()
    bench.advance(bench.now_ms + 2_000)
    told = bench.told(POSITION, LateFailure)
    assert set(told) == {LateFailure(MARKET.market_id, "t1")}
    bench.give(told[0].answer(version=7))
    bench.restart()
    bench.advance(bench.now_ms + 5_000)
    assert bench.told(POSITION, LateFailure) == []


def test_f41_a_window_that_was_settled_is_settled_again_without_the_trade() -> None:
    ledger = CoreStage(PositionCore, POSITION, now_ms=T0)
    ledger.start()
    booking = OrderFilled(
        order_id=ORDER_ID, market=MARKET, side=Side.YES, action=Action.BUY, fill=detail("t1", 10)
    )
    ledger.give(booking)
    resolved = MarketResolved(
        market=MARKET, winner=Side.YES, strike_e18=None, close_e18=None, evidence="a test"
    )
    ledger.give(resolved)
    assert ledger.told(DIRECTORY, WindowSettled)[-1].pnl_nanos == 5_500_000_000
    ledger.start()
    ledger.give(FillReversed(**attrs.asdict(booking, recurse=False)))
    assert ledger.told(DIRECTORY, WindowSettled)[-1].pnl_nanos == 0
    assert any("settled again" in log.text for log in ledger.logs)
