from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_builders import detail, market, resolved

from actors.directory.messages import Side
from actors.execution.messages import FillDetail
from actors.position.ledger import LedgerEntry, WindowLedger, fold
from actors.position.messages import Holding
from actors.strategy.messages import Action
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


def test_a_sale_told_before_its_buy_is_put_in_the_venues_order() -> None:
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
    settled = window.settled(resolved(winner=winner), version=2).settlement(total_pnl_nanos=0)
    assert settled is not None
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
    units = sum(
        (-1 if each.action is Action.SELL else 1) * each.fill.size_units for each in standing
    )
    held = totals.yes.quantity_units + totals.no.quantity_units
    assert held == units + totals.oversold_units
    for holding in (totals.yes, totals.no):
        assert holding.quantity_units >= 0
        assert holding.cost_nanos >= 0
        assert holding.quantity_units > 0 or holding.cost_nanos == 0


@given(entry_sets, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(told: list[LedgerEntry], dice: object) -> None:
    shuffled = list(told)
    dice.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis gives a random.Random
    assert fold(shuffled) == fold(told)


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
