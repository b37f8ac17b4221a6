"""Numbers that no venue means are refused in every reader (A5)."""

from __future__ import annotations

import pytest

from actors.directory.price_to_beat import decode_event, decode_website
from actors.directory.venue_time import TimeUnreadable, read_venue_time
from actors.execution.real.client import _plausible
from actors.feeds.decoding import price_e18
from actors.units import NotExact

PRICES = ["-1", "0", "1e30", "1" + "0" * 30, "1000000000", "1e999999", "1e5000", "NaN", "sNaN"]


@pytest.mark.parametrize("text", PRICES)
def test_a_price_of_the_underlying_is_one_that_something_could_have(text: str) -> None:
    with pytest.raises(NotExact):
        price_e18(text)


@pytest.mark.parametrize("price", [each for each in PRICES if each not in ("NaN", "sNaN")])
@pytest.mark.parametrize("as_text", [True, False])
def test_so_is_a_price_to_beat(price: str, as_text: bool) -> None:
    told = f'"{price}"' if as_text else price
    with pytest.raises(Exception, match=r"slug: .*(not a price|unreadable)"):
        decode_website(f'{{"openPrice": {told}}}'.encode(), "slug")
    body = f'{{"slug": "slug", "eventMetadata": {{"priceToBeat": {told}}}}}'
    with pytest.raises(Exception, match=r"slug: .*(not a price|unreadable)"):
        decode_event(body.encode(), "slug")


@pytest.mark.parametrize("seconds", ["99999999999", "100000000000", "999999999", "-1", "1e9"])
def test_a_time_of_another_millennium_is_none(seconds: str) -> None:
    with pytest.raises(TimeUnreadable):
        read_venue_time(seconds.encode(), 0, 10, 10)


@pytest.mark.parametrize("balance", [-1, 10**30])
def test_a_balance_that_no_account_has_is_unexpected(balance: int) -> None:
    with pytest.raises(Exception, match="is not a balance"):
        _plausible(balance)
    assert _plausible(10**12) == 10**12
