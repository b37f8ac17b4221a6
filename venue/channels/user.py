"""The user channel's protocol: the first frame carries an API key; markets are condition ids.

Without ``markets`` a client receives events of all its markets; with an empty list, of none. Users
of the real venue observed this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from venue.channels.session import POLICY_VIOLATION, Close, Reply, Session

FindWallet = Callable[[str, str, str], str | None]
"""Maps key, secret and passphrase to the wallet they belong to; None if to none."""


class Credentials(msgspec.Struct, rename="camel"):
    """The API key with which a client authenticates."""

    api_key: str = ""
    secret: str = ""
    passphrase: str = ""


class _Request(msgspec.Struct):
    type: str = ""
    operation: str = ""
    auth: Credentials | None = None
    markets: list[str] | None = None


_decode = msgspec.json.Decoder(_Request).decode


class UserSession(Session):
    """One client of ``/ws/user``."""

    def __init__(self, find_wallet: FindWallet) -> None:
        self.keys: set[str] = set()
        self._find_wallet = find_wallet
        self._wallet: str | None = None

    def receive(self, text: str) -> Sequence[Reply]:
        """Handle subscriptions, which are not answered, and answer PING with PONG."""
        if text == "PING" and self._wallet is not None:
            return ["PONG"]
        try:
            request = _decode(text)
        except msgspec.DecodeError:
            request = _Request()
        if self._wallet is None:
            return self._begin(request)
        keys = {f"{self._wallet}/{market}" for market in request.markets or ()}
        if request.operation == "unsubscribe":
            self.keys -= keys
        else:
            self.keys |= keys
        return []

    def _begin(self, request: _Request) -> Sequence[Reply]:
        auth = request.auth
        if request.type.lower() != "user" or auth is None:
            return [Close(POLICY_VIOLATION, "invalid subscription payload")]
        self._wallet = self._find_wallet(auth.api_key, auth.secret, auth.passphrase)
        if self._wallet is None:
            return [Close(POLICY_VIOLATION, "invalid credentials")]
        if request.markets is None:
            self.keys = {self._wallet}
        else:
            self.keys = {f"{self._wallet}/{market}" for market in request.markets}
        return []
