"""Admission of requests: rate limits, restarts and emergency modes."""

from __future__ import annotations

import enum
import math
from collections import defaultdict
from collections.abc import Mapping
from functools import partial

import attrs

TOO_MANY_REQUESTS = "Too Many Requests"
_MILLIS = 1_000
"""Tokens are counted in thousandths; a rate per second is then thousandths per millisecond."""

POST_ONLY_MS = 120_000
"""How long the exchange is post-only after a restart, as the venue documents."""

POST_ONLY_TEXT = "post-only mode: only post-only orders and cancels are allowed"
_CANCEL_ONLY_TEXT = (
    "Trading is currently cancel-only. New orders are not accepted, but cancels are allowed."
)
_DISABLED_TEXT = "Trading is currently disabled. Check polymarket.com for updates"
_RESTARTING_TEXT = "the matching engine is restarting"
"""The venue documents the status code; its words are unknown."""


@attrs.frozen
class RequestRefused(Exception):
    """The request is refused with this error and has no other effect.

    Texts and codes are those of the venue's documented error list.
    """

    status: int
    error: str
    code: str = ""
    retry_after_s: int | None = None
    rate_limit: Mapping[str, str] | None = None
    """Headers with the state of the caller's rate limit."""


def unauthorized() -> RequestRefused:
    """Build the refusal of a request whose key, signature or time is invalid."""
    return RequestRefused(401, "Unauthorized/Invalid api key")


def unauthorized_by_wallet() -> RequestRefused:
    """Build the refusal of a request whose wallet signature is invalid."""
    return RequestRefused(401, "Invalid L1 Request headers")


@attrs.frozen
class Tier:
    """A wallet's rate limits, by the money it traded lately."""

    name: str
    orders_per_s: int
    order_burst: int
    cancels_per_s: int
    cancel_burst: int


STANDARD_TIER = Tier("standard", 40, 60, 80, 120)
"""The tier of a wallet that trades little (venue documentation, rate limits)."""

ENDPOINT_LIMITS = {
    ("POST", "/order"): 5_000,
    ("DELETE", "/order"): 5_000,
    ("POST", "/orders"): 2_000,
    ("DELETE", "/orders"): 2_000,
    ("DELETE", "/cancel-all"): 250,
    ("DELETE", "/cancel-market-orders"): 1_500,
    ("GET", "/data/orders"): 500,
    ("GET", "/data/trades"): 500,
    ("GET", "/data/order/{order_id}"): 900,
    ("GET", "/balance-allowance"): 200,
    ("GET", "/balance-allowance/update"): 50,
    ("POST", "/auth/api-key"): 100,
    ("GET", "/auth/derive-api-key"): 100,
    ("GET", "/auth/api-keys"): 100,
}
"""Requests per ten seconds from one address."""
_ENDPOINT_SPAN_S = 10


class TokenBucket:
    """Tokens that refill at a steady rate up to a burst; a cost is taken whole or not at all."""

    def __init__(self, tokens_per_span: int, burst: int, span_s: int = 1) -> None:
        self._rate = tokens_per_span
        self._span_s = span_s
        self._burst = burst * _MILLIS * span_s
        self._level = self._burst
        self._at_ms: int | None = None

    def take(self, cost: int, now_ms: int) -> bool:
        """Take tokens if there are enough."""
        self._fill(now_ms)
        cost_level = cost * _MILLIS * self._span_s
        if cost_level > self._level:
            return False
        self._level -= cost_level
        return True

    def owe(self, cost: int) -> None:
        """Take tokens even if there are too few."""
        self._level -= cost * _MILLIS * self._span_s

    def remaining(self, now_ms: int) -> int:
        """Whole tokens left; negative after ``owe``."""
        self._fill(now_ms)
        return self._level // (_MILLIS * self._span_s)

    def wait_ms(self, cost: int, now_ms: int) -> int:
        """How long until that many tokens are available, if none are taken."""
        self._fill(now_ms)
        lacking = cost * _MILLIS * self._span_s - self._level
        return max(0, -(-lacking // self._rate))

    def _fill(self, now_ms: int) -> None:
        if self._at_ms is not None:
            elapsed_ms = max(0, now_ms - self._at_ms)
            self._level = min(self._burst, self._level + elapsed_ms * self._rate)
        self._at_ms = now_ms if self._at_ms is None else max(self._at_ms, now_ms)


class RateLimits:
    """All buckets: one for each wallet's orders and cancels, and one for each endpoint."""

    def __init__(self, tier: Tier = STANDARD_TIER) -> None:
        self._tier = tier
        self._orders: defaultdict[str, TokenBucket] = defaultdict(
            partial(TokenBucket, tier.orders_per_s, tier.order_burst)
        )
        self._cancels: defaultdict[str, TokenBucket] = defaultdict(
            partial(TokenBucket, tier.cancels_per_s, tier.cancel_burst)
        )
        self._endpoints = {
            endpoint: TokenBucket(limit, limit, _ENDPOINT_SPAN_S)
            for endpoint, limit in ENDPOINT_LIMITS.items()
        }

    def admit_request(self, method: str, path: str, now_ms: int) -> None:
        """Count a request from an address.

        Raises:
            RequestRefused: the limit is exceeded.
        """
        bucket = self._endpoints.get((method, path))
        if bucket is not None and not bucket.take(1, now_ms):
            raise _too_many(bucket.wait_ms(1, now_ms), {})

    def admit_orders(self, wallet: str, count: int, now_ms: int) -> dict[str, str]:
        """Count orders of a wallet; return the headers that show what is left.

        Raises:
            RequestRefused: the limit is exceeded.
        """
        return self._admit(self._orders[wallet], count, now_ms)

    def admit_cancels(self, wallet: str, count: int, now_ms: int) -> dict[str, str]:
        """Count cancels of a wallet; return the headers that show what is left.

        Raises:
            RequestRefused: the limit is exceeded.
        """
        return self._admit(self._cancels[wallet], count, now_ms)

    def owe_cancels(self, wallet: str, count: int, now_ms: int) -> dict[str, str]:
        """Charge for the cancels that one request caused; the bucket may become negative."""
        bucket = self._cancels[wallet]
        bucket.owe(count)
        return self._headers(bucket, 1, now_ms)

    def _admit(self, bucket: TokenBucket, count: int, now_ms: int) -> dict[str, str]:
        if not bucket.take(count, now_ms):
            raise _too_many(bucket.wait_ms(count, now_ms), self._headers(bucket, count, now_ms))
        return self._headers(bucket, 1, now_ms)

    def _headers(self, bucket: TokenBucket, cost: int, now_ms: int) -> dict[str, str]:
        reset_s = math.ceil((now_ms + bucket.wait_ms(cost, now_ms)) / 1000)
        return {
            "Poly-RateLimit-Remaining": str(bucket.remaining(now_ms)),
            "Poly-RateLimit-Reset": str(reset_s),
            "Poly-RateLimit-Tier": self._tier.name,
        }


def _too_many(wait_ms: int, headers: dict[str, str]) -> RequestRefused:
    wait_s = max(1, math.ceil(wait_ms / 1000))
    return RequestRefused(429, TOO_MANY_REQUESTS, retry_after_s=wait_s, rate_limit=headers)


class EntryMode(enum.Enum):
    """Which requests the exchange accepts."""

    OPEN = "open"
    RESTARTING = "restarting"
    """None: the engine is down."""
    POST_ONLY = "post_only"
    """Cancels, and orders that only rest."""
    CANCEL_ONLY = "cancel_only"
    DISABLED = "disabled"
    """None."""


class OrderEntry:
    """The current mode, and how long it lasts."""

    def __init__(self) -> None:
        self._modes: list[tuple[EntryMode, int]] = []

    def restart(self, now_ms: int, for_ms: int) -> None:
        """Go down for a while; then be post-only for as long as after every restart."""
        away_until_ms = now_ms + for_ms
        self._modes = [
            (EntryMode.RESTARTING, away_until_ms),
            (EntryMode.POST_ONLY, away_until_ms + POST_ONLY_MS),
        ]

    def restrict(self, mode: EntryMode, now_ms: int, for_ms: int) -> None:
        """Apply one mode for a while."""
        self._modes = [(mode, now_ms + for_ms)]

    def open(self) -> None:
        """Accept everything again."""
        self._modes = []

    def mode(self, now_ms: int) -> EntryMode:
        """The mode in effect now."""
        return self._current(now_ms)[0]

    def admit_order(self, now_ms: int, *, is_post_only: bool) -> None:
        """Admit one order.

        Raises:
            RequestRefused: the mode does not allow it.
        """
        mode, wait_ms = self._current(now_ms)
        self._refuse_if_closed(mode, wait_ms)
        if mode is EntryMode.CANCEL_ONLY:
            raise RequestRefused(503, _CANCEL_ONLY_TEXT)
        if mode is EntryMode.POST_ONLY and not is_post_only:
            raise RequestRefused(503, POST_ONLY_TEXT, code="post_only_mode")

    def admit_cancel(self, now_ms: int) -> None:
        """Admit a cancel.

        Raises:
            RequestRefused: the mode does not allow it.
        """
        self._refuse_if_closed(*self._current(now_ms))

    def _current(self, now_ms: int) -> tuple[EntryMode, int]:
        for mode, until_ms in self._modes:
            if now_ms < until_ms:
                return mode, until_ms - now_ms
        return EntryMode.OPEN, 0

    def _refuse_if_closed(self, mode: EntryMode, wait_ms: int) -> None:
        if mode is EntryMode.RESTARTING:
            raise RequestRefused(425, _RESTARTING_TEXT, retry_after_s=math.ceil(wait_ms / 1000))
        if mode is EntryMode.DISABLED:
            raise RequestRefused(503, _DISABLED_TEXT)
