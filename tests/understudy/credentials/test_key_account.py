from __future__ import annotations

from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from understudy.credentials.key_account import _address


@given(st.integers(1, 2**255).map(lambda number: number.to_bytes(32, "big")))
def test_the_address_is_that_of_the_venue_s_client(key: bytes) -> None:
    assert _address(key) == Account.from_key(key).address.lower()
