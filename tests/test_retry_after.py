from __future__ import annotations

import math

import pytest

from actors.retry_after import RETRY_AFTER_MAX_MS, bounded_wait_ms, read_retry_after_ms

NOW = "Sat, 28 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("text", "wait_ms"),
    [
        ("7", 7_000),
        ("0", 0),
        (" 12 ", 12_000),
        ("301", RETRY_AFTER_MAX_MS),
        ("9" * 5_000, RETRY_AFTER_MAX_MS),
        ("Sat, 28 Nov 2026 10:00:30 GMT", 30_000),
        ("Sat, 28 Nov 2026 09:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", RETRY_AFTER_MAX_MS),
        ("Sat, 99 Nov 2026 10:00:30 GMT", None),
        ("\N{ARABIC-INDIC DIGIT SEVEN}", None),
        ("-5", None),
        ("1e5", None),
        ("nan", None),
        ("", None),
    ],
)
def test_what_a_server_asks_for_is_read_and_bounded(text: str, wait_ms: int | None) -> None:
    assert read_retry_after_ms({"Retry-After": text, "Date": NOW}) == wait_ms


def test_a_date_without_the_answers_own_asks_for_nothing() -> None:
    assert read_retry_after_ms({"Retry-After": "Sat, 28 Nov 2026 10:00:30 GMT"}) is None


@pytest.mark.parametrize(
    ("seconds", "wait_ms"),
    [
        (None, None),
        (1.0001, 1_001),
        (math.inf, RETRY_AFTER_MAX_MS),
        (1e308, RETRY_AFTER_MAX_MS),
        (math.nan, None),
        (-1.0, None),
    ],
)
def test_what_the_client_has_read_is_bounded_too(
    seconds: float | None, wait_ms: int | None
) -> None:
    assert bounded_wait_ms(seconds) == wait_ms
