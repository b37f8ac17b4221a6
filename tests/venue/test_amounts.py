"""The exchange's own arithmetic: how it writes amounts, and that it borrows none."""

from __future__ import annotations

import ast
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venue.amounts import (
    BadAmount,
    decimal_text,
    dollars_text,
    price_text,
    size_text,
    ticks_from_text,
    units_from_text,
)
from venue.engine.clearing import fee_nanos

VENUE = Path(__file__).parents[2] / "venue"
SHARED = {
    "actors.units": {
        "E18",
        "NANOS_PER_DOLLAR",
        "PAYOUT_TICKS",
        "TICKS_PER_DOLLAR",
        "UNITS_PER_SHARE",
        "shares",
    },
    "actors.runtime.clock": {"Clock", "ClockSpec"},
    "actors.core": {"require"},
}
"""Units, the clock that both are run by, and the assertion."""


def test_the_exchange_shares_units_and_no_arithmetic_with_the_trading_system() -> None:
    borrowed = {
        (path.name, node.module, name.name)
        for path in VENUE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("actors")
        for name in node.names
        if name.name not in SHARED.get(node.module or "", ())
    }
    assert borrowed == set()


@pytest.mark.parametrize(
    ("price_ticks", "size_units", "rate_bps", "charged"),
    [
        (310, 5_000_000, 500, "0.05347"),
        (820, 1_219_511, 700, "0.01259"),
        (500, 1_000_000, 700, "0.0175"),
        (400, 1_000_000, 700, "0.0168"),
        (50, 1_000_000, 700, "0.00332"),
        (1, 1, 700, "0"),
        (500, 1_000_000, 0, "0"),
    ],
)
def test_f43_fees_are_cut_off_after_five_decimals_as_on_the_chain(
    price_ticks: int, size_units: int, rate_bps: int, charged: str
) -> None:
    assert dollars_text(fee_nanos(price_ticks, size_units, rate_bps)) == charged


@given(st.integers(-(10**24), 10**24), st.integers(1, 18))
def test_an_amount_is_written_exactly(value: int, places: int) -> None:
    assert Decimal(decimal_text(value, places)) * 10**places == value


@given(st.integers(0, 10**15))
def test_what_is_written_is_read_again(value: int) -> None:
    assert units_from_text(size_text(value)) == value
    assert ticks_from_text(price_text(value)) == value


@pytest.mark.parametrize(
    ("text", "ticks"), [("0.53", 530), (".48", 480), ("1", 1_000), ("0.5300", 530), ("-2.", -2_000)]
)
def test_prices_are_read_as_the_venue_writes_them(text: str, ticks: int) -> None:
    assert ticks_from_text(text) == ticks


@pytest.mark.parametrize("text", ["", ".", "-", "x", "0.0005", "1e3", "NaN", "1,5"])
def test_a_text_that_is_no_exact_price_is_refused(text: str) -> None:
    with pytest.raises(BadAmount):
        ticks_from_text(text)
