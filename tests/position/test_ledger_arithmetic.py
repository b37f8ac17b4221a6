from __future__ import annotations

from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_builders import detail, market, resolved

from actors.messages.position import Holding
from actors.model import Action, FillDetail, Side
from actors.position.ledger import LedgerEntry, WindowLedger, fold
from actors.units import shares


def entry(
    fill: FillDetail,
    side: Side = Side.YES,
    action: Action = Action.BUY,
    *,
    order_id: str = "order_1_aa",
    is_reversed: bool = False,
) -> LedgerEntry:
    return LedgerEntry(
        order_id=order_id,
        side=side,
        action=action,
        fill=fill,
        booked_version=1,
        reversed_version=2 if is_reversed else None,
    )


def sale(fill: FillDetail, side: Side = Side.YES) -> LedgerEntry:
    return entry(fill, side, Action.SELL)


def test_buys_add_up_in_exact_nanodollars() -> None:
    totals = fold(
        [
            entry(detail("a", 400, shares(10), fee_nanos=168_000_000)),
            entry(detail("b", 530, 1, fee_nanos=10_000)),
            entry(detail("c", 550, shares(7)), Side.NO),
        ]
    )
    assert totals.yes == Holding(quantity_units=10_000_001, cost_nanos=4_000_000_530)
    assert totals.no == Holding(quantity_units=7_000_000, cost_nanos=3_850_000_000)
    assert totals.fees_nanos == 168_010_000
    assert totals.realized_nanos == 0


def test_a_sale_takes_its_share_of_the_cost_and_rounding_loses_nothing() -> None:
    totals = fold(
        [entry(detail("a", 333, 10, timestamp_ms=1)), sale(detail("b", 500, 3, timestamp_ms=2))]
    )
    # 3 of 10 units of 3330 nanos take floor(999) with them.
    assert totals.yes == Holding(quantity_units=7, cost_nanos=2331)
    assert totals.realized_nanos == 1500 - 999


def test_selling_everything_removes_all_cost() -> None:
    totals = fold(
        [
            entry(detail("a", 333, 7, timestamp_ms=1)),
            entry(detail("b", 101, 4, timestamp_ms=2)),
            sale(detail("c", 200, 5, timestamp_ms=3)),
            sale(detail("d", 200, 6, timestamp_ms=4)),
        ]
    )
    assert totals.yes == Holding()
    assert totals.realized_nanos == 11 * 200 - (7 * 333 + 4 * 101)


def test_a_sale_told_before_its_buy_is_put_behind_it() -> None:
    buy = entry(detail("a", 400, shares(10), timestamp_ms=1))
    sell = sale(detail("b", 500, shares(4), timestamp_ms=2))
    assert fold([sell, buy]) == fold([buy, sell])
    assert fold([sell, buy]).oversold_units == 0


def test_within_one_millisecond_buys_come_before_sales() -> None:
    buy = entry(detail("z", 400, shares(10), timestamp_ms=5))
    sell = sale(detail("a", 500, shares(10), timestamp_ms=5))
    assert fold([sell, buy]).oversold_units == 0
    assert fold([sell, buy]).yes == Holding()


def test_shares_sold_beyond_what_is_held_are_counted_and_the_holding_stays_at_zero() -> None:
    totals = fold(
        [entry(detail("a", 400, 10, timestamp_ms=1)), sale(detail("b", 500, 12, timestamp_ms=2))]
    )
    assert totals.yes == Holding()
    assert totals.oversold_units == 2
    assert totals.realized_nanos == 12 * 500 - 10 * 400


def test_a_clock_that_is_set_back_between_a_buy_and_its_sale_turns_no_position_around() -> None:
    buy = entry(detail("a", 400, shares(10), timestamp_ms=9_000))
    sell = sale(detail("b", 500, shares(10), timestamp_ms=2_000))
    totals = fold([buy, sell])
    assert totals.yes == Holding()
    assert totals.realized_nanos == shares(10) * 100
    assert totals.oversold_units == 0


def test_shares_that_a_sale_is_owed_are_brought_by_the_next_buys_at_their_own_cost() -> None:
    totals = fold(
        [
            sale(detail("s", 500, 10, timestamp_ms=1)),
            entry(detail("a", 400, 6, timestamp_ms=2)),
            entry(detail("b", 300, 9, timestamp_ms=3)),
        ]
    )
    assert totals.yes == Holding(quantity_units=5, cost_nanos=5 * 300)
    assert totals.realized_nanos == 10 * 500 - 6 * 400 - 4 * 300


@pytest.mark.parametrize(
    ("winner", "payout_nanos"),
    [
        (Side.YES, 30 * 1_000_000_000),
        (Side.NO, 20 * 1_000_000_000),
        (None, 25 * 1_000_000_000),
    ],
)
def test_a_winning_share_pays_one_dollar_and_a_void_one_half(
    winner: Side | None, payout_nanos: int
) -> None:
    window = WindowLedger(
        market=market(),
        version=1,
        entries=(
            entry(detail("a", 400, shares(30), fee_nanos=5)),
            entry(detail("b", 500, shares(20)), Side.NO),
        ),
    )
    after = window.settled(resolved(winner=winner), version=2)
    settled = after.settlement(total_pnl_nanos=0)
    assert settled is not None
    assert settled.position == after.snapshot()
    assert settled.position.yes.quantity_units == shares(30)
    assert settled.payout_nanos == payout_nanos
    assert settled.pnl_nanos == payout_nanos - 12_000_000_000 - 10_000_000_000 - 5


def test_a_window_has_no_settlement_before_its_result() -> None:
    window = WindowLedger(market=market(), version=1, entries=(entry(detail()),))
    assert window.settlement(0) is None
    assert window.pnl_nanos() == 0


entries = st.builds(
    LedgerEntry,
    order_id=st.sampled_from(["o1", "o2"]),
    side=st.sampled_from(Side),
    action=st.sampled_from([Action.BUY, Action.BUY, Action.SELL]),
    fill=st.builds(
        FillDetail,
        trade_id=st.text("abc", min_size=1, max_size=4),
        price_ticks=st.integers(1, 999),
        size_units=st.integers(1, 10**8),
        fee_nanos=st.integers(0, 10**9),
        is_maker=st.booleans(),
        timestamp_ms=st.integers(0, 20),
    ),
    booked_version=st.just(1),
    reversed_version=st.sampled_from([None, None, 2]),
)
entry_sets = st.lists(
    entries, max_size=15, unique_by=lambda entry: (entry.fill.trade_id, entry.order_id)
)


def net(standing: list[LedgerEntry], side: Side) -> int:
    """Shares bought minus shares sold."""
    return sum(
        (-1 if each.action is Action.SELL else 1) * each.fill.size_units
        for each in standing
        if each.side is side
    )


@given(entry_sets)
def test_no_nanodollar_is_lost_whatever_is_bought_and_sold(told: list[LedgerEntry]) -> None:
    totals = fold(told)
    standing = [each for each in told if each.reversed_version is None]
    cash_nanos = sum(
        (1 if each.action is Action.SELL else -1) * each.fill.price_ticks * each.fill.size_units
        for each in standing
    )
    assert totals.realized_nanos - totals.cost_nanos == cash_nanos
    assert totals.fees_nanos == sum(each.fill.fee_nanos for each in standing)
    net_units = {side: net(standing, side) for side in Side}
    assert totals.yes.quantity_units == max(0, net_units[Side.YES])
    assert totals.no.quantity_units == max(0, net_units[Side.NO])
    assert totals.oversold_units == sum(max(0, -units) for units in net_units.values())
    for holding in (totals.yes, totals.no):
        assert holding.quantity_units >= 0
        assert holding.cost_nanos >= 0
        assert holding.quantity_units > 0 or holding.cost_nanos == 0


@given(entry_sets, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(told: list[LedgerEntry], dice: object) -> None:
    shuffled = list(told)
    dice.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis gives a random.Random
    assert fold(shuffled) == fold(told)


@given(entry_sets, st.lists(st.integers(0, 20), min_size=15, max_size=15))
def test_wrong_time_stamps_change_neither_the_shares_nor_the_money(
    told: list[LedgerEntry], stamps_ms: list[int]
) -> None:
    stamped = [
        attrs.evolve(each, fill=attrs.evolve(each.fill, timestamp_ms=stamp_ms))
        for each, stamp_ms in zip(told, stamps_ms, strict=False)
    ]
    right, wrong = fold(told), fold(stamped)
    assert wrong.yes.quantity_units == right.yes.quantity_units
    assert wrong.no.quantity_units == right.no.quantity_units
    assert wrong.oversold_units == right.oversold_units
    assert wrong.fees_nanos == right.fees_nanos
    assert wrong.realized_nanos - wrong.cost_nanos == right.realized_nanos - right.cost_nanos


@given(entry_sets, entries)
def test_a_reversed_fill_leaves_no_trace(told: list[LedgerEntry], extra: LedgerEntry) -> None:
    gone = entry(extra.fill, extra.side, extra.action, order_id="o3", is_reversed=True)
    assert fold([*told, gone]) == fold(told)


@given(st.integers(1, 999), st.lists(st.integers(1, 10**6), min_size=1, max_size=8))
def test_a_part_sale_keeps_the_average_cost_to_the_nanodollar(
    price_ticks: int, sizes: list[int]
) -> None:
    bought_units = sum(sizes) + 1
    told = [entry(detail("buy", price_ticks, bought_units, timestamp_ms=0))]
    for number, size_units in enumerate(sizes, start=1):
        told.append(sale(detail(f"s{number}", 500, size_units, timestamp_ms=number)))
        left = fold(told).yes
        exact_nanos = Fraction(price_ticks * left.quantity_units)
        assert abs(left.cost_nanos - exact_nanos) <= number
