"""API keys, the HMAC that authenticates each request with one, and their dead man's switches.

A key follows from the exchange's seed, the wallet and the nonce. So a client's stored credentials
stay valid when the exchange is restarted with the same seed: it creates or derives them only once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

import attrs

from venue.ordering.admission import RequestRefused, unauthorized
from venue.ordering.ids import address_text, digest, uuid_text

CLOCK_TOLERANCE_S = 30
"""Most a request's time may differ from the exchange's; measured by third parties."""
HEARTBEAT_LIMIT_MS = 10_000
HEARTBEAT_GRACE_MS = 5_000
"""The venue promises ten seconds and may take five more; here it always takes them."""


@attrs.frozen(kw_only=True)
class ApiKey:
    """A client's API credentials."""

    key: str
    secret: str = attrs.field(repr=False)
    """Base64 in the URL-safe alphabet."""
    passphrase: str = attrs.field(repr=False)
    wallet: str
    """Lower-case address of the wallet that the key acts for."""
    nonce: int


class KeyRing:
    """The API keys of all wallets."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._keys: dict[str, ApiKey] = {}
        self._revocations = 0

    def create(self, wallet: str, nonce: int) -> ApiKey:
        """Create the wallet's key with this nonce.

        Raises:
            RequestRefused: it exists already.
        """
        api_key = self._make(wallet, nonce)
        if api_key.key in self._keys:
            raise RequestRefused(400, "Could not create api key")
        self._keys[api_key.key] = api_key
        return api_key

    def derive(self, wallet: str, nonce: int) -> ApiKey:
        """Return the wallet's key with this nonce again.

        Raises:
            RequestRefused: there is none.
        """
        api_key = self._make(wallet, nonce)
        if api_key.key not in self._keys:
            raise RequestRefused(400, "Could not derive api key!")
        return api_key

    def of_nobody(self) -> ApiKey:
        """The key of a wallet that has nothing, created when it is first needed."""
        api_key = self._make(address_text("nobody"), 0)
        return self._keys.setdefault(api_key.key, api_key)

    def delete(self, api_key: ApiKey) -> None:
        """Revoke a key."""
        self._keys.pop(api_key.key, None)

    def revoke_all(self) -> None:
        """Revoke all keys; those created later have other names."""
        self._keys.clear()
        self._revocations += 1

    def of_wallet(self, wallet: str) -> list[str]:
        """Names of the wallet's keys, oldest first."""
        return [api_key.key for api_key in self._keys.values() if api_key.wallet == wallet]

    def with_name(self, name: str) -> ApiKey | None:
        """Find a key by its name."""
        return self._keys.get(name)

    def with_credentials(self, key: str, secret: str, passphrase: str) -> ApiKey | None:
        """Find the key to which all three belong, as when the user channel is opened."""
        api_key = self._keys.get(key)
        if api_key is None or (api_key.secret, api_key.passphrase) != (secret, passphrase):
            return None
        return api_key

    def prove(
        self, headers: Mapping[str, str], method: str, path: str, body: str, wall_ms: int
    ) -> ApiKey:
        """Find the key with which a request was signed.

        Args:
            headers: the request's, with the five ``POLY_`` ones.
            method: upper case.
            path: without the query, which is not signed.
            body: the exact text that was sent; empty if there was none.
            wall_ms: the present time by the clock that clients sign with.

        Raises:
            RequestRefused: key, address, passphrase, time or signature are invalid.
        """
        api_key = self._keys.get(headers.get("POLY_API_KEY", ""))
        timestamp = headers.get("POLY_TIMESTAMP", "")
        if api_key is None or not is_timely(timestamp, wall_ms):
            raise unauthorized()
        expected = request_signature(api_key.secret, timestamp, method, path, body)
        claims = (
            (headers.get("POLY_ADDRESS", "").lower(), api_key.wallet),
            (headers.get("POLY_PASSPHRASE", ""), api_key.passphrase),
            (headers.get("POLY_SIGNATURE", ""), expected),
        )
        if not all(hmac.compare_digest(claim.encode(), truth.encode()) for claim, truth in claims):
            raise unauthorized()
        return api_key

    def _make(self, wallet: str, nonce: int) -> ApiKey:
        about = (self._seed, wallet, nonce, self._revocations)
        return ApiKey(
            key=uuid_text("api key", *about),
            secret=base64.urlsafe_b64encode(digest("secret", *about)).decode(),
            passphrase=digest("passphrase", *about).hex(),
            wallet=wallet,
            nonce=nonce,
        )


def request_signature(secret: str, timestamp: str, method: str, path: str, body: str) -> str:
    """Sign a request as the venue's clients do: HMAC-SHA256 over time, method, path and body.

    Raises:
        RequestRefused: the secret is not base64.
    """
    try:
        raw_secret = base64.urlsafe_b64decode(secret)
    except (binascii.Error, ValueError):
        raise unauthorized() from None
    message = f"{timestamp}{method}{path}{body}".encode()
    signature = hmac.new(raw_secret, message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(signature).decode()


def is_timely(timestamp: str, wall_ms: int) -> bool:
    """Whether a request's time, in unix seconds, is close enough to the exchange's."""
    if not timestamp.isdecimal():
        return False
    return abs(int(timestamp) - wall_ms // 1000) <= CLOCK_TOLERANCE_S


@attrs.frozen
class HeartbeatMismatch(Exception):
    """The heartbeat named an id other than the last one returned."""

    expected_id: str


@attrs.define
class _Beat:
    next_id: str
    ends_at_ms: int


class Heartbeats:
    """Dead man's switches: once an API key has beaten, it must go on or loses all open orders."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._beats: dict[str, _Beat] = {}
        self._count = 0

    def beat(self, api_key: str, heartbeat_id: str, now_ms: int) -> str:
        """Arm or extend the switch; return the id that the next heartbeat must name.

        Raises:
            HeartbeatMismatch: the id is wrong; nothing is extended.
        """
        known = self._beats.get(api_key)
        expected_id = known.next_id if known else ""
        if heartbeat_id != expected_id:
            raise HeartbeatMismatch(expected_id)
        self._count += 1
        next_id = uuid_text("heartbeat", self._seed, api_key, self._count)
        ends_at_ms = now_ms + HEARTBEAT_LIMIT_MS + HEARTBEAT_GRACE_MS
        self._beats[api_key] = _Beat(next_id, ends_at_ms)
        return next_id

    def expired(self, now_ms: int) -> list[str]:
        """API keys whose heartbeat stopped; each is returned once, and is then unarmed."""
        silent = [key for key, beat in self._beats.items() if beat.ends_at_ms <= now_ms]
        for key in silent:
            del self._beats[key]
        return silent
