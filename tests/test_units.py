from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import units


@pytest.mark.parametrize(
    ("text", "ticks"), [("0.53", 530), (".48", 480), ("1", 1000), ("0.001", 1), ("0", 0)]
)
def test_a_price_in_the_venues_text_becomes_ticks(text: str, ticks: int) -> None:
    assert units.ticks_from_text(text) == ticks


@pytest.mark.parametrize(
    "text",
    [
        "0.5305",
        "x",
        "",
        "NaN",
        "Infinity",
        "0.00001",
        "1e999999999",
        "1e999998",
        "1e-999999999",
        "0.5" + "0" * 40 + "1",
    ],
)
def test_a_price_that_is_no_whole_tick_is_refused(text: str) -> None:
    with pytest.raises(units.NotExact, match="price"):
        units.ticks_from_text(text)


@given(st.integers(min_value=0, max_value=10**15))
def test_sizes_survive_the_way_to_text_and_back(size_units: int) -> None:
    assert units.units_from_text(units.size_text(size_units)) == size_units


@given(st.integers(min_value=-(10**18), max_value=10**18))
def test_money_in_text_is_exact(amount_nanos: int) -> None:
    assert Decimal(units.dollars_text(amount_nanos)) * units.NANOS_PER_DOLLAR == amount_nanos


@pytest.mark.parametrize(
    ("price_ticks", "dollars_a_share"),
    [(500, "0.0175"), (400, "0.0168"), (600, "0.0168"), (300, "0.0147"), (100, "0.0063")],
)
def test_the_taker_fee_is_the_venues_table(price_ticks: int, dollars_a_share: str) -> None:
    fee = units.taker_fee_nanos(price_ticks, units.shares(1), fee_rate_bps=700)
    assert units.dollars_text(fee) == dollars_a_share


def test_what_is_less_than_a_step_is_no_fee() -> None:
    assert units.taker_fee_nanos(1, 1, fee_rate_bps=700) == 0
    assert units.taker_fee_nanos(500, units.shares(1), fee_rate_bps=0) == 0
    assert units.taker_fee_nanos(1000, units.shares(1), fee_rate_bps=700) == 0


@given(
    st.integers(min_value=1, max_value=999),
    st.integers(min_value=1, max_value=10**10),
    st.integers(min_value=0, max_value=1000),
)
def test_the_fee_is_the_formula_with_the_rest_cut_off(
    price_ticks: int, size_units: int, fee_rate_bps: int
) -> None:
    fee = units.taker_fee_nanos(price_ticks, size_units, fee_rate_bps)
    exact = Decimal(size_units * fee_rate_bps * price_ticks * (1000 - price_ticks)) / 10_000_000
    assert fee % 10_000 == 0
    assert 0 <= exact - fee < 10_000
