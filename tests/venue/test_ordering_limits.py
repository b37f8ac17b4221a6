from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venue.ordering.admission import (
    POST_ONLY_MS,
    STANDARD_TIER,
    EntryMode,
    OrderEntry,
    RateLimits,
    RequestRefused,
    TokenBucket,
)
from venue.ordering.keys import HeartbeatMismatch, Heartbeats

WALLET = "0x" + "a1" * 20


@given(
    rate=st.integers(1, 100),
    burst=st.integers(1, 200),
    asks=st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 50)), max_size=60),
)
def test_a_bucket_never_gives_more_than_its_burst_and_its_rate(
    rate: int, burst: int, asks: list[tuple[int, int]]
) -> None:
    bucket = TokenBucket(rate, burst)
    now_ms = taken = 0
    for elapsed_ms, cost in asks:
        now_ms += elapsed_ms
        if bucket.take(cost, now_ms):
            taken += cost
        elif cost <= burst:
            wait_ms = bucket.wait_ms(cost, now_ms)
            assert wait_ms > 0
            assert not bucket.take(cost, now_ms + wait_ms - 1)
            now_ms += wait_ms
            assert bucket.take(cost, now_ms)
            taken += cost
        assert taken <= burst + rate * now_ms / 1000


def test_orders_beyond_the_burst_wait_for_the_rate() -> None:
    limits = RateLimits()
    for sent in range(STANDARD_TIER.order_burst):
        headers = limits.admit_orders(WALLET, 1, 0)
        assert headers["Poly-RateLimit-Remaining"] == str(STANDARD_TIER.order_burst - sent - 1)
    with pytest.raises(RequestRefused) as refused:
        limits.admit_orders(WALLET, 1, 0)
    assert (refused.value.status, refused.value.error) == (429, "Too Many Requests")
    assert refused.value.retry_after_s == 1
    assert refused.value.rate_limit is not None
    assert refused.value.rate_limit["Poly-RateLimit-Tier"] == "standard"
    limits.admit_orders(WALLET, STANDARD_TIER.orders_per_s, 1_000)
    limits.admit_orders("0xother", 1, 0)


def test_cancels_have_a_bucket_of_their_own() -> None:
    limits = RateLimits()
    limits.admit_orders(WALLET, STANDARD_TIER.order_burst, 0)
    limits.admit_cancels(WALLET, STANDARD_TIER.cancel_burst, 0)


def test_cancelling_all_is_charged_afterwards() -> None:
    limits = RateLimits()
    limits.admit_cancels(WALLET, 1, 0)
    headers = limits.owe_cancels(WALLET, STANDARD_TIER.cancel_burst + 79, 0)
    assert headers["Poly-RateLimit-Remaining"] == "-80"
    with pytest.raises(RequestRefused):
        limits.admit_cancels(WALLET, 1, 1_000)
    limits.admit_cancels(WALLET, 1, 1_013)


def test_a_batch_larger_than_the_burst_is_never_admitted() -> None:
    limits = RateLimits()
    with pytest.raises(RequestRefused):
        limits.admit_orders(WALLET, STANDARD_TIER.order_burst + 1, 10**9)


def test_every_endpoint_has_its_own_limit() -> None:
    limits = RateLimits()
    for _ in range(50):
        limits.admit_request("GET", "/balance-allowance/update", 0)
    with pytest.raises(RequestRefused) as refused:
        limits.admit_request("GET", "/balance-allowance/update", 0)
    assert refused.value.status == 429
    limits.admit_request("GET", "/balance-allowance/update", 200)
    limits.admit_request("GET", "/balance-allowance", 0)
    limits.admit_request("GET", "/unheard-of", 0)


def refusal_of(entry: OrderEntry, now_ms: int, is_post_only: bool = False) -> tuple[int, str]:
    try:
        entry.admit_order(now_ms, is_post_only=is_post_only)
    except RequestRefused as refused:
        return refused.status, refused.code
    return 200, ""


def test_after_a_restart_only_post_only_orders_are_taken_for_two_minutes() -> None:
    entry = OrderEntry()
    entry.restart(0, 90_000)
    assert refusal_of(entry, 0, is_post_only=True) == (425, "")
    with pytest.raises(RequestRefused) as refused:
        entry.admit_cancel(89_999)
    assert (refused.value.status, refused.value.retry_after_s) == (425, 1)
    assert refusal_of(entry, 90_000) == (503, "post_only_mode")
    assert refusal_of(entry, 90_000, is_post_only=True) == (200, "")
    entry.admit_cancel(90_000)
    assert refusal_of(entry, 90_000 + POST_ONLY_MS) == (200, "")


@pytest.mark.parametrize(
    ("mode", "order_status", "may_cancel", "words"),
    [
        (EntryMode.CANCEL_ONLY, 503, True, "cancel-only"),
        (EntryMode.DISABLED, 503, False, "disabled"),
        (EntryMode.POST_ONLY, 200, True, ""),
    ],
)
def test_each_restriction_has_its_words(
    mode: EntryMode, order_status: int, may_cancel: bool, words: str
) -> None:
    entry = OrderEntry()
    entry.restrict(mode, 0, 1_000)
    if order_status == 200:
        entry.admit_order(999, is_post_only=True)
    else:
        with pytest.raises(RequestRefused, match=words) as refused:
            entry.admit_order(999, is_post_only=True)
        assert refused.value.status == order_status
    if may_cancel:
        entry.admit_cancel(999)
    else:
        with pytest.raises(RequestRefused):
            entry.admit_cancel(999)
    assert entry.mode(1_000) is EntryMode.OPEN
    entry.restrict(mode, 0, 1_000)
    entry.open()
    assert entry.mode(0) is EntryMode.OPEN


def test_heartbeats_are_a_chain() -> None:
    beats = Heartbeats(1)
    first = beats.beat("key", "", 0)
    second = beats.beat("key", first, 5_000)
    assert second != first
    for wrong in ("", first):
        with pytest.raises(HeartbeatMismatch) as mismatch:
            beats.beat("key", wrong, 6_000)
        assert mismatch.value.expected_id == second


def test_who_falls_silent_is_told_once() -> None:
    beats = Heartbeats(1)
    beats.beat("other", "", 8_000)
    beats.beat("key", "", 0)
    assert beats.expired(14_999) == []
    assert beats.expired(15_000) == ["key"]
    assert beats.expired(15_001) == []
    beats.beat("key", "", 16_000)


def test_a_wrong_heartbeat_puts_nothing_off() -> None:
    beats = Heartbeats(1)
    beats.beat("key", "", 0)
    with pytest.raises(HeartbeatMismatch):
        beats.beat("key", "wrong", 14_000)
    assert beats.expired(15_000) == ["key"]
