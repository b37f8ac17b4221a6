"""API keys: made for a wallet, proved by an HMAC on every request, and their dead man's switches.

Everything about a key follows from the exchange's seed, the wallet and the nonce, so a client that
kept its credentials finds them valid again after the exchange was started anew with that seed: it
only has to create or derive them once.
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
"""How far a request's time may be from the exchange's; as third parties found it."""
HEARTBEAT_LIMIT_MS = 10_000
HEARTBEAT_GRACE_MS = 5_000
"""The venue promises ten seconds and may take five more; here it always takes them."""


@attrs.frozen(kw_only=True)
class ApiKey:
    """What a client proves itself with."""

    key: str
    secret: str = attrs.field(repr=False)
    """Base64 in the alphabet for URLs."""
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
        """Make the wallet's key with this nonce.

        Raises:
            RequestRefused: there is one already.
        """
        api_key = self._make(wallet, nonce)
        if api_key.key in self._keys:
            raise RequestRefused(400, "Could not create api key")
        self._keys[api_key.key] = api_key
        return api_key

    def derive(self, wallet: str, nonce: int) -> ApiKey:
        """Tell the wallet's key with this nonce again.

        Raises:
            RequestRefused: there is none.
        """
        api_key = self._make(wallet, nonce)
        if api_key.key not in self._keys:
            raise RequestRefused(400, "Could not derive api key!")
        return api_key

    def of_nobody(self) -> ApiKey:
        """The key of a wallet that has nothing, made when it is first asked for."""
        api_key = self._make(address_text("nobody"), 0)
        return self._keys.setdefault(api_key.key, api_key)

    def delete(self, api_key: ApiKey) -> None:
        """Let a key be valid no more."""
        self._keys.pop(api_key.key, None)

    def revoke_all(self) -> None:
        """Let no key be valid any more; those made from now on have other names."""
        self._keys.clear()
        self._revocations += 1

    def of_wallet(self, wallet: str) -> list[str]:
        """Names of the wallet's keys, oldest first."""
        return [api_key.key for api_key in self._keys.values() if api_key.wallet == wallet]

    def with_name(self, name: str) -> ApiKey | None:
        """The key of a name."""
        return self._keys.get(name)

    def with_credentials(self, key: str, secret: str, passphrase: str) -> ApiKey | None:
        """The key that all three belong to, as the user channel is opened."""
        api_key = self._keys.get(key)
        if api_key is None or (api_key.secret, api_key.passphrase) != (secret, passphrase):
            return None
        return api_key

    def prove(
        self, headers: Mapping[str, str], method: str, path: str, body: str, wall_ms: int
    ) -> ApiKey:
        """Find the key that a request was signed with.

        Args:
            headers: the request's, with the five ``POLY_`` ones.
            method: upper case.
            path: without the query, which is not signed.
            body: the exact text that was sent; empty if there was none.
            wall_ms: what time it is for clients that sign.

        Raises:
            RequestRefused: key, address, passphrase, time or signature do not hold.
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
    """Whether a request's time, in unix seconds, is near enough to the exchange's."""
    if not timestamp.isdecimal():
        return False
    return abs(int(timestamp) - wall_ms // 1000) <= CLOCK_TOLERANCE_S


@attrs.frozen
class HeartbeatMismatch(Exception):
    """The beat named another id than the one it was given last."""

    expected_id: str


@attrs.define
class _Beat:
    next_id: str
    ends_at_ms: int


class Heartbeats:
    """The dead man's switches: an API key that beats once must go on, or loses all open orders."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._beats: dict[str, _Beat] = {}
        self._count = 0

    def beat(self, api_key: str, heartbeat_id: str, now_ms: int) -> str:
        """Arm the switch or put it off; return the id that the next beat must name.

        Raises:
            HeartbeatMismatch: it is another id; nothing is put off.
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
        """API keys that fell silent; each is told once, and is then unarmed."""
        silent = [key for key, beat in self._beats.items() if beat.ends_at_ms <= now_ms]
        for key in silent:
            del self._beats[key]
        return silent
