"""The small pure pieces: own parts, answers, rules, comparison, redaction."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from nouns import a_position
from order_builders import MARKET, T0, detail, intent
from real_bench import OWNER, VENUE_ID, WALLET, wire_maker_trade, wire_trade

from actors.execution.order_state import is_excess
from actors.execution.real.comparison import (
    BALANCE_PATIENCE_MS,
    DISAGREEMENTS_MIN,
    PATIENCE_MS,
    RESTART_PATIENCE_MS,
    Comparison,
    venue_holdings,
)
from actors.execution.real.messages import CancelAnswered, PostAnswered, PostRefused, PostUnclear
from actors.execution.real.user_channel import Ownership, TradeAllocation, parts_of, trade_of
from actors.execution.real.venue_rules import (
    HOLD_MS,
    HOLD_SHORT_MS,
    Meaning,
    hold_ms,
    is_cancel_early,
    meaning_of,
    objection,
    offered_units,
    read_answer,
    sign_order,
)
from actors.messages.execution import OrderIntent
from actors.messages.feeds import FeedDown
from actors.messages.position import PositionSnapshot
from actors.model import Action, FillDetail, Side, TimeInForce
from actors.redaction import Redactor
from actors.units import shares
from venue.engine.refusals import FAK_UNMATCHED, FOK_UNFILLED, POST_ONLY_CROSSES

OTHER = "0x" + "cd" * 32
FOREIGN = "0x" + "ff" * 32


# Own parts


def test_the_taker_s_part_comes_from_the_top_of_a_trade() -> None:
    part = parts_of(trade_of(wire_trade("t1", 10)))[0]
    assert (part.venue_order_id, part.size_units, part.is_maker) == (VENUE_ID, shares(10), False)


def test_makers_parts_come_from_their_own_entries_once_an_order() -> None:
    trade = trade_of(wire_maker_trade("t1", (VENUE_ID, 3), (OTHER, 5), (VENUE_ID, 1)))
    makers = {part.venue_order_id: part.size_units for part in parts_of(trade) if part.is_maker}
    assert makers == {VENUE_ID: shares(4), OTHER: shares(5)}


def test_our_own_parts_are_known_by_id_wallet_or_key_and_no_one_else_s() -> None:
    trade = wire_maker_trade("t1", (VENUE_ID, 3), (OTHER, 5))
    assert ids(trade) == {VENUE_ID, OTHER}
    trade["maker_orders"][1] |= {"maker_address": "0x" + "00" * 20}
    assert ids(trade) == {VENUE_ID}
    trade["maker_orders"][1] |= {"maker_address": ""}
    assert ids(trade) == {VENUE_ID, OTHER}
    trade["maker_orders"][1] |= {"owner": "another key"}
    assert ids(trade) == {VENUE_ID}
    assert ids(trade, OTHER) == {VENUE_ID, OTHER}


def test_both_sides_of_a_trade_with_oneself_are_own() -> None:
    trade = wire_maker_trade("t1", (OTHER, 5), trader_side="TAKER", taker_order_id=VENUE_ID)
    assert ids(trade) == {VENUE_ID, OTHER}


def ids(row: dict[str, Any], *known: str) -> set[str]:
    ours = Ownership(known_ids=known, wallet=WALLET, owner=OWNER)
    return {part.venue_order_id for part in ours.own_parts(trade_of(row))}


# Answers


@pytest.mark.parametrize(
    ("status", "text", "meaning"),
    [
        (400, "Invalid order payload", Meaning.REFUSED),
        (400, "invalid signature", Meaning.REFUSED),
        (400, "order 0x1 is invalid. Size (1) lower than the minimum: 5", Meaning.REFUSED),
        (400, "order 0x1 is invalid. Duplicated.", Meaning.KNOWN),
        (400, "not enough balance / allowance: the balance is not enough", Meaning.LAGGING),
        (400, "no orders found to match with FAK order. FAK orders are", Meaning.KILLED),
        (400, "the market is not yet ready to process new orders", Meaning.HELD),
        (400, "order match delayed due to market conditions", Meaning.UNCLEAR),
        (200, "invalid nonce", Meaning.REFUSED),
        (200, "not enough balance / allowance", Meaning.LAGGING),
        (401, "Unauthorized/Invalid api key", Meaning.HELD),
        (403, "trading restricted in your region", Meaning.REFUSED),
        (404, "market not found", Meaning.REFUSED),
        (408, "", Meaning.UNCLEAR),
        (425, "", Meaning.HELD),
        (429, "Too Many Requests", Meaning.HELD),
        (0, "connection refused", Meaning.HELD),
        (500, "there are no matching orders", Meaning.UNCLEAR),
        (500, "order 0x1 is invalid. Duplicated.", Meaning.UNCLEAR),
        (502, "", Meaning.UNCLEAR),
        (503, "", Meaning.UNCLEAR),
        (503, "Trading is currently cancel-only.", Meaning.HELD),
        (503, "post-only mode: only post-only orders and cancels are allowed", Meaning.HELD),
        (503, "Trading is currently disabled.", Meaning.HELD),
        (520, "", Meaning.UNCLEAR),
    ],
)
def test_an_error_proves_what_it_says_and_no_more(status: int, text: str, meaning: Meaning) -> None:
    assert meaning_of(PostRefused(order_id="o", status=status, text=text)) is meaning


def test_the_code_of_a_503_is_read_as_well_as_its_text() -> None:
    refused = PostRefused(order_id="o", status=503, text="no", code="post_only_mode")
    assert meaning_of(refused) is Meaning.HELD


@pytest.mark.parametrize(
    ("status", "retry_after_ms", "waits_ms"),
    [
        (425, None, HOLD_MS),
        (429, None, HOLD_SHORT_MS),
        (0, None, HOLD_SHORT_MS),
        (401, None, HOLD_SHORT_MS),
        (429, 7_000, 7_000),
        (429, 0, HOLD_SHORT_MS),
    ],
)
def test_orders_wait_as_long_as_the_venue_says(
    status: int, retry_after_ms: int | None, waits_ms: int
) -> None:
    refused = PostRefused(order_id="o", status=status, text="", retry_after_ms=retry_after_ms)
    assert hold_ms(refused) == waits_ms


def body(**changes: Any) -> dict[str, Any]:
    values = {"success": True, "errorMsg": "", "orderID": "0xAB", "status": "live"}
    return values | changes


@pytest.mark.parametrize("status", ["live", "matched", "delayed", "unmatched", "LIVE"])
def test_a_plain_yes_is_an_acceptance(status: str) -> None:
    answer = read_answer("o", body(status=status))
    assert answer == PostAnswered(order_id="o", venue_order_id="0xab", status=status.lower())


@pytest.mark.parametrize(
    "changes",
    [{"orderID": "", "errorMsg": "invalid nonce", "success": False, "status": ""}],
)
def test_an_error_without_an_order_id_is_a_refusal(changes: dict[str, Any]) -> None:
    answer = read_answer("o", body(**changes))
    assert answer == PostRefused(order_id="o", status=200, text="invalid nonce")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "ok",
        {},
        body(status="resting"),
        body(status=None),
        body(orderID=None),
        body(orderID=""),
        body(errorMsg="something", success=True),
        body(errorMsg=None, orderID=None, success=False),
    ],
)
def test_every_other_answer_is_unclear(answer: object) -> None:
    assert isinstance(read_answer("o", answer), PostUnclear)


@pytest.mark.parametrize(
    ("reason", "is_early"),
    [
        ("cannot cancel: order is pending", True),
        ("the order is delayed", True),
        ("order can't be found - already canceled or matched", False),
    ],
)
def test_a_cancel_may_only_be_early(reason: str, is_early: bool) -> None:
    assert is_cancel_early(reason) is is_early


# Rules


def sale(price_ticks: int, size_units: int) -> OrderIntent:
    return intent(
        action=Action.SELL,
        time_in_force=TimeInForce.FAK,
        price_ticks=price_ticks,
        size_units=size_units,
    )


def purchase(price_ticks: int, size_units: int) -> OrderIntent:
    return intent(time_in_force=TimeInForce.FOK, price_ticks=price_ticks, size_units=size_units)


@pytest.mark.parametrize(
    ("order", "units"),
    [
        (intent(size_units=10_000_000), 10_000_000),
        (intent(size_units=10_019_999), 10_010_000),
        (intent(price_ticks=985, size_units=10_019_999), 10_010_000),
        (sale(450, 9_999_999), 9_990_000),
        (sale(985, 9_999_999), 9_900_000),
        (sale(985, 99_999), 0),
        (intent(time_in_force=TimeInForce.FAK, size_units=10_019_999), 10_010_000),
        (purchase(985, 9_999_999), 8_000_000),
        (purchase(981, 29_999_999), 20_000_000),
    ],
)
def test_only_a_size_that_the_venue_takes_is_signed(order: OrderIntent, units: int) -> None:
    assert offered_units(order) == units


FINE = attrs.evolve(MARKET, tick_size_ticks=1)


@pytest.mark.parametrize(
    ("order", "market", "reason"),
    [
        (intent(), MARKET, ""),
        (intent(price_ticks=455), MARKET, "tick size"),
        (intent(price_ticks=455), FINE, ""),
        (intent(price_ticks=5), MARKET, "tick size"),
        (intent(price_ticks=995), MARKET, "tick size"),
        (intent(price_ticks=990), MARKET, ""),
        (intent(size_units=4_999_999), MARKET, "minimum 5"),
        (intent(size_units=5_000_000), MARKET, ""),
        (intent(price_ticks=100, size_units=9_990_000), MARKET, "minimum $1"),
        (intent(price_ticks=100, size_units=10_000_000), MARKET, ""),
        (sale(450, 3_000_000), MARKET, ""),
        (sale(450, 2_000_000), MARKET, "minimum $1"),
        (intent(time_in_force=TimeInForce.FAK, size_units=3_000_000), MARKET, ""),
        (intent(time_in_force=TimeInForce.GTD, size_units=3_000_000), MARKET, "minimum 5"),
        (
            intent(time_in_force=TimeInForce.FOK, price_ticks=455, size_units=1_990_000),
            FINE,
            "value $0",
        ),
    ],
)
def test_an_order_is_signed_or_dropped_with_a_reason(
    order: OrderIntent, market: Any, reason: str
) -> None:
    found = objection(order, market)
    assert reason in found
    assert bool(found) is bool(reason)


# Comparison


def parts(*rows: dict[str, Any]) -> list[TradeAllocation]:
    return [
        part
        for row in rows
        for part in Ownership(known_ids=(), wallet=WALLET, owner=OWNER).own_parts(trade_of(row))
    ]


def position(yes: float = 0, no: float = 0) -> PositionSnapshot:
    return a_position(
        MARKET.market_id, yes_units=int(yes * 1_000_000), no_units=int(no * 1_000_000)
    )


def test_the_venue_s_holdings_are_its_trades_without_those_that_failed() -> None:
    holdings = venue_holdings(
        MARKET,
        parts(
            wire_trade("t1", 10),
            wire_trade("t2", 4, side="SELL"),
            wire_trade("t3", 7, status="FAILED"),
            wire_maker_trade("t4", (OTHER, 2)),
            wire_trade("t5", 3, asset_id=MARKET.no_token),
        ),
        {},
    )
    assert holdings.by_trades == {Side.YES: shares(8), Side.NO: shares(3)}


def compared(comparison: Comparison, snapshot: PositionSnapshot, now_ms: int, **more: Any) -> None:
    rows = more.pop("rows", [wire_trade("t1", 10, status="CONFIRMED")])
    comparison.take_holdings(venue_holdings(MARKET, parts(*rows), more.pop("balances", {})), now_ms)
    comparison.take_position(snapshot, now_ms)


def test_a_window_is_agreed_on_when_both_hold_the_same() -> None:
    comparison = Comparison()
    assert not comparison.is_agreed(MARKET.market_id)
    compared(comparison, position(10), 0)
    assert comparison.is_agreed(MARKET.market_id)
    assert not comparison.is_agreed("another")


def test_rounding_by_the_venue_is_no_difference() -> None:
    comparison = Comparison()
    compared(comparison, position(9.96), 0)
    assert comparison.is_agreed(MARKET.market_id)
    compared(comparison, position(9.94), 0)
    assert comparison.differs


def test_a_difference_counts_only_when_it_lasts_over_several_readings() -> None:
    comparison = Comparison()
    compared(comparison, position(10), 0)
    for number in range(DISAGREEMENTS_MIN - 1):
        compared(comparison, position(5), number)
    compared(comparison, position(10), PATIENCE_MS + 1)
    for number in range(DISAGREEMENTS_MIN + 3):
        compared(comparison, position(5), PATIENCE_MS * 2 + number)
    assert comparison.mismatch == ""
    compared(comparison, position(5), PATIENCE_MS * 4)
    assert "holds 5 YES" in comparison.mismatch
    assert "trades say 10 YES" in comparison.mismatch
    assert not comparison.is_agreed(MARKET.market_id)


def test_a_difference_may_last_longer_where_venue_time_runs_fast() -> None:
    comparison = Comparison(speed=10)
    for number in range(DISAGREEMENTS_MIN + 1):
        compared(comparison, position(5), number * PATIENCE_MS)
    assert comparison.mismatch == ""
    compared(comparison, position(5), RESTART_PATIENCE_MS * 10)
    assert comparison.mismatch != ""


def test_balances_count_only_when_all_is_settled_and_are_given_more_time() -> None:
    balances = {MARKET.yes_token: shares(6), MARKET.no_token: 0}
    comparison = Comparison()
    for number in range(5):
        now_ms = number * BALANCE_PATIENCE_MS
        compared(comparison, position(10), now_ms, balances=balances, rows=[wire_trade("t1", 10)])
    assert not comparison.differs
    for number in range(4):
        assert comparison.mismatch == ""
        compared(comparison, position(10), number * BALANCE_PATIENCE_MS // 3, balances=balances)
    assert "balances say 6 YES" in comparison.mismatch


def test_a_difference_that_is_another_one_each_time_is_given_more_time() -> None:
    comparison = Comparison()
    for number in range(6 * PATIENCE_MS // 1_000):
        compared(comparison, position(5 - number / 10), number * 1_000)
    assert comparison.mismatch == ""
    compared(comparison, position(12), 6 * PATIENCE_MS)
    assert "holds 12 YES" in comparison.mismatch


def test_a_difference_that_lasts_is_found_between_others_that_do_not() -> None:
    comparison = Comparison()
    for now_ms in range(0, PATIENCE_MS + 1, 2_000):
        assert comparison.mismatch == ""
        compared(comparison, position(5), now_ms)
        compared(comparison, position(5 + now_ms / 1_000), now_ms + 1)
    assert "trades say 10 YES" in comparison.mismatch


def test_a_reading_that_was_discarded_is_not_compared() -> None:
    comparison = Comparison()
    comparison.take_holdings(venue_holdings(MARKET, [], {}), 0)
    assert comparison.is_waiting
    comparison.discard()
    comparison.take_position(position(10), 0)
    assert not comparison.differs
    assert not comparison.is_waiting


def test_a_reading_during_which_the_window_traded_is_not_compared() -> None:
    comparison = Comparison()
    comparison.note_trade(500)
    comparison.take_holdings(venue_holdings(MARKET, [], {}), 500)
    assert not comparison.is_waiting
    comparison.take_holdings(venue_holdings(MARKET, [], {}), 501)
    assert comparison.is_waiting
    comparison.note_trade(502)
    assert not comparison.is_waiting
    comparison.clock_set_back(400)
    comparison.take_holdings(venue_holdings(MARKET, [], {}), 110)
    assert comparison.is_waiting


# Redaction


def test_secrets_are_taken_out_in_every_spelling() -> None:
    redactor = Redactor()
    redactor.add("0xDEADBEEF00", "hunter2hunter2")
    text = "0xDEADBEEF00 deadbeef00 0xdeadbeef00 Hunter2Hunter2 stays"
    assert redactor.clean(text) == "<redacted> <redacted> <redacted> <redacted> stays"
    assert "dead" not in repr(redactor).lower()


def test_signatures_and_headers_of_secrets_are_known_by_their_looks() -> None:
    signature, order_id = "0x" + "ab" * 65, "0x" + "cd" * 32
    said = f"{order_id}: {signature}; POLY_SIGNATURE: c2VjcmV0 poly-passphrase='ab12'"
    assert Redactor().clean(said) == (
        f"{order_id}: 0x<redacted>; POLY_SIGNATURE: <redacted> poly-passphrase='<redacted>'"
    )


def test_messages_and_answers_are_cleaned_throughout() -> None:
    redactor = Redactor()
    redactor.add("hunter2")
    answered = CancelAnswered(venue_order_ids=("a",), canceled=(), not_canceled=(("a", "hunter2"),))
    assert redactor.cleaned(answered) == attrs.evolve(answered, not_canceled=(("a", "<redacted>"),))
    assert redactor.cleaned(FeedDown("user", "hunter2")) == FeedDown("user", "<redacted>")
    assert redactor.cleaned({"error": ["hunter2", 7, None]}) == {"error": ["<redacted>", 7, None]}


def test_texts_without_secrets_stay_as_they_are() -> None:
    redactor = Redactor()
    redactor.add("")
    redactor.add("0xab")
    assert redactor.clean("0xab is no secret") == "0xab is no secret"


# Kinds of orders


def test_what_is_to_be_signed_says_all_that_the_order_is() -> None:
    order = intent(time_in_force=TimeInForce.GTD, is_post_only=True, expires_at_ms=T0 + 200_001)
    wanted = sign_order(order)
    assert (wanted.time_in_force, wanted.is_post_only) == (TimeInForce.GTD, True)
    assert wanted.venue_expiry_s == (T0 + 200_001 + 999) // 1000 + 60
    assert sign_order(intent()).venue_expiry_s is None


def test_more_shares_for_the_same_money_are_no_excess() -> None:
    def bought(size: int, price_ticks: int) -> list[FillDetail]:
        return [detail("t1", size, price_ticks)]

    kill = intent(time_in_force=TimeInForce.FAK)
    assert kill.is_sized_in_money
    assert not is_excess(kill, bought(11, 400))
    assert is_excess(kill, bought(12, 400))
    assert is_excess(intent(), bought(11, 400))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (FAK_UNMATCHED, Meaning.KILLED),
        (FOK_UNFILLED, Meaning.KILLED),
        (POST_ONLY_CROSSES, Meaning.REFUSED),
    ],
)
def test_what_the_venue_says_of_the_kinds_is_understood(text: str, meaning: Meaning) -> None:
    assert meaning_of(PostRefused(order_id="order_1_0", status=400, text=text)) is meaning
