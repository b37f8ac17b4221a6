from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.feeds.decoding import (
    KnownTexts,
    price_e18,
    price_ticks,
    scaled_integer,
    size_units,
    timestamp_ms,
)
from actors.units import NotExact, price_text, size_text, ticks_from_text, units_from_text


@pytest.mark.parametrize(
    ("text", "places", "value"),
    [
        ("0.53", 3, 530),
        (".48", 3, 480),
        ("1", 3, 1000),
        ("0.530000", 3, 530),
        ("007", 3, 7000),
        ("30.5", 6, 30_500_000),
        ("0", 6, 0),
        ("0.000001", 6, 1),
        ("123456789.654321", 6, 123_456_789_654_321),
        ("1776331805001", 0, 1_776_331_805_001),
        (".0", 0, 0),
        ("65026.457815", 18, 65_026_457_815_000_000_000_000),
    ],
)
def test_a_plain_decimal_becomes_its_exact_integer(text: str, places: int, value: int) -> None:
    assert scaled_integer(text, places) == value


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "-0.5", "+0.5", "NaN", "inf", "Infinity", "1e2", "1_000", " 1", "1 ", "0x10"),
        *("1.2.3", "\N{ARABIC-INDIC DIGIT FIVE}", "\N{SUPERSCRIPT TWO}", "0,5", "1.0000001"),
        *("9" * 60, "None"),
    ],
)
def test_whatever_is_no_plain_or_no_exact_decimal_is_refused(text: str) -> None:
    with pytest.raises(NotExact):
        scaled_integer(text, 6)


@given(st.integers(1, 999))
def test_every_tick_survives_being_written_and_read(ticks: int) -> None:
    text = price_text(ticks)
    assert price_ticks(text) == ticks == ticks_from_text(text)


@given(st.integers(0, 10**15))
def test_every_size_survives_being_written_and_read(units: int) -> None:
    text = size_text(units)
    assert size_units(text) == units == units_from_text(text)


@given(st.text(st.sampled_from("0123456789.-e ")) | st.text())
def test_any_text_is_read_exactly_or_refused(text: str) -> None:
    try:
        units = size_units(text)
    except NotExact:
        return
    assert units == Fraction(text) * 10**6


@pytest.mark.parametrize("text", ["0", "1", "1.001", "0.0005", "0.5555"])
def test_a_price_where_no_order_can_stand_is_refused(text: str) -> None:
    with pytest.raises(NotExact):
        price_ticks(text)


def test_no_price_of_the_underlying_is_nothing() -> None:
    with pytest.raises(NotExact):
        price_e18("0.00")


def test_a_timestamp_has_no_fraction() -> None:
    assert timestamp_ms("1776331805001") == 1_776_331_805_001
    with pytest.raises(NotExact):
        timestamp_ms("1776331805.5")


def test_a_known_text_is_parsed_once_and_the_memory_is_bounded() -> None:
    parsed: list[str] = []

    def parse(text: str) -> int:
        parsed.append(text)
        return int(text)

    known = KnownTexts(parse)
    assert [known["7"], known["7"]] == [7, 7]
    assert parsed == ["7"]
    for number in range(70_000):
        assert known[str(number)] == number
    assert len(known) < 66_000


def test_a_text_that_cannot_be_parsed_is_refused_every_time() -> None:
    known = KnownTexts(size_units)
    for _ in range(2):
        with pytest.raises(NotExact):
            known["NaN"]
