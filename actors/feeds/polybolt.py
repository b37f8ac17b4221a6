"""PolyBolt, the venue's price service: the 60-second average that settles windows.

Source: Polymarket's documentation, PolyBolt reference and live data overview. Frames are JSON with
an ``op``; each is answered by an acknowledgement or an error that repeats its ``rid``. A connection
sends its API credentials once, then subscribes; the subscription is followed by one frame with
``snapshot`` true that holds the previous two minutes. ``seq`` counts the frames of a channel on a
connection one by one, and ``dropped`` says how many the service left out before a frame.
``full_accuracy_value`` is an exact decimal string in dollars; ``value`` is rounded and never used.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs
import msgspec

from actors.core import Command, Effects
from actors.feeds.decoding import MalformedFrame, json_object, moment_ms, price_e18, whole_number
from actors.feeds.price_protocol import Received, read_ticks
from actors.messages.feeds import POLYBOLT, TwapTick
from actors.units import NotExact

CHANNEL = "price.crypto.twap"
WINDOW_S = 60
PROVIDER = "chainlink"
"""The prefix of ``source``; a price of another provider settles nothing."""

_FINGERPRINT_DIGITS = 16
AUTH_RID, SUBSCRIBE_RID, PING_RID = "auth", "subscribe", "ping"
_CODE = re.compile("[a-z_]{1,40}")


class CloseCode(enum.IntEnum):
    """Why the service closes a connection."""

    CREDENTIALS_REFUSED = 4001
    TOO_SLOW = 4002
    """The client read too slowly, or two of its pongs are missing."""
    DRAINING = 4003
    """This server is shutting down; another is available."""
    POLICY_BREACH = 4008
    """The client did something that is never allowed."""


@attrs.frozen
class ApiCredentials:
    """The credentials of a connection; the printed form shows none of them."""

    key: str = attrs.field(repr=False)
    secret: str = attrs.field(repr=False)
    passphrase: str = attrs.field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Distinguishes these credentials from others without revealing them."""
        whole = f"{self.key}\n{self.secret}\n{self.passphrase}"
        return hashlib.sha256(whole.encode()).hexdigest()[:_FINGERPRINT_DIGITS]


@attrs.frozen
class FoundCredentials:
    """Credentials, and where they were found."""

    credentials: ApiCredentials
    place: str
    """A description for people."""


class CredentialsUnavailable(Exception):
    """There are no usable API credentials; the sentence contains no secret."""


class CredentialsNotYet(CredentialsUnavailable):
    """There are none yet, but the run's own executor will get them."""


@attrs.frozen
class LookForCredentials:
    """Command: check whether there are API credentials, and which."""


@attrs.frozen
class Authenticate:
    """Command: send the API credentials on the open connection of this name."""

    name: str


@attrs.frozen
class CredentialsFound:
    """Event: there are API credentials; connections use those found last."""

    fingerprint: str
    place: str
    """A description, for people, of where they were found."""


@attrs.frozen
class CredentialsMissing:
    """Event: there are no usable API credentials; ``reason`` is one sentence."""

    reason: str
    are_coming: bool = False
    """They are on their way, so nobody has to act."""


def auth_text(credentials: ApiCredentials) -> str:
    """Return the first frame of a connection; it must never be stored or shown."""
    auth = {
        "apiKey": credentials.key,
        "secret": credentials.secret,
        "passphrase": credentials.passphrase,
    }
    return _text(op="auth", rid=AUTH_RID, auth=auth)


def subscribe_text(*symbols: str) -> str:
    """Return the second frame, sent once the first is acknowledged."""
    filters = [{"symbol": symbol, "window_seconds": WINDOW_S} for symbol in symbols]
    wanted = [{"channel": CHANNEL, "filter": each} for each in filters]
    return _text(op="subscribe", rid=SUBSCRIBE_RID, subscriptions=wanted)


PING_TEXT = msgspec.json.encode({"op": "ping", "rid": PING_RID}).decode()


class PolyBoltProtocol:
    """One connection. Its first frame holds credentials, so the port sends it: ``Authenticate``."""

    def __init__(self, *symbols: str) -> None:
        self._symbols = symbols
        self._is_subscribed = False
        self._seq: int | None = None

    def opening(self, name: str) -> Effects:
        """Return the command that authenticates the connection."""
        return [Command(Authenticate(name))]

    def receive(self, raw: bytes) -> Received:
        """Read one frame: an acknowledgement, an error, or prices."""
        try:
            frame = json_object(raw)
        except MalformedFrame as problem:
            return Received(problems=(str(problem),))
        if "op" in frame:
            return self._answer(frame)
        return self._prices(frame) if frame.get("channel") == CHANNEL else Received()

    def _answer(self, frame: Mapping[str, Any]) -> Received:
        op, rid = frame["op"], frame.get("rid")
        if op == "authed" and rid == AUTH_RID:
            return Received(replies=(subscribe_text(*self._symbols),))
        if op == "subscribed" and rid == SUBSCRIBE_RID:
            self._is_subscribed = True
        return self._error(frame) if op == "error" else Received()

    def _error(self, frame: Mapping[str, Any]) -> Received:
        # Any other text could be something that the server was sent.
        code, rid = frame.get("code"), frame.get("rid")
        code = code if isinstance(code, str) and _CODE.fullmatch(code) else "an unknown code"
        asked = rid if rid in (AUTH_RID, SUBSCRIBE_RID, PING_RID) else "an unknown request"
        sentence = f"PolyBolt answered {code} to {asked}"
        if rid == AUTH_RID and code.startswith("auth_"):
            return Received(refusal=sentence, are_credentials_refused=True)
        return Received(problems=(sentence,), refusal="" if self._is_subscribed else sentence)

    def _prices(self, frame: Mapping[str, Any]) -> Received:
        lost_count, number_problems = self._lost_before(frame)
        payload = frame.get("payload")
        if not isinstance(payload, dict):
            return Received(
                problems=(*number_problems, "a frame of prices has no payload"),
                lost_count=lost_count,
            )
        ticks: list[TwapTick] = []
        problems: list[str] = []
        if payload.get("symbol") in self._symbols:
            ticks, problems = read_ticks(payload, partial(_tick, payload))
        return Received(
            ticks=tuple(ticks),
            problems=(*number_problems, *problems),
            lost_count=lost_count,
        )

    def _lost_before(self, frame: Mapping[str, Any]) -> tuple[int, tuple[str, ...]]:
        """Return how many frames of the channel are missing before this one, with sentences."""
        try:
            seq = whole_number(frame.get("seq"))
            dropped_count = whole_number(frame.get("dropped") or 0)
        except NotExact as problem:
            return 0, (str(problem),)
        known, self._seq = self._seq, seq
        if known is None or seq == known + 1:
            return dropped_count, ()
        if seq <= known:
            return max(1, dropped_count), (f"seq {seq} came after {known}",)
        return max(seq - known - 1, dropped_count), ()


def _tick(payload: Mapping[str, Any], row: Mapping[str, Any]) -> TwapTick:
    window_s = row.get("window_seconds", payload.get("window_seconds"))
    if window_s is not None and whole_number(window_s) != WINDOW_S:
        raise NotExact(f"an average of {window_s!r:.20} seconds settles nothing")
    provider = row.get("source", payload.get("source"))
    if provider is not None and not str(provider).lower().startswith(PROVIDER):
        raise NotExact(f"{provider!r:.40} is not the provider that settles windows")
    return TwapTick(
        price_e18=price_e18(_price_text(row.get("full_accuracy_value"))),
        timestamp_ms=moment_ms(row.get("timestamp")),
        window_s=WINDOW_S,
        source=POLYBOLT,
        asset=payload["symbol"].removesuffix("usd"),
    )


def _price_text(value: object) -> str:
    """Return the text of an exact price; a JSON number with a fraction may have been rounded."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise NotExact(f"{value!r:.48} is not an exact price")


def _text(**fields: object) -> str:
    return msgspec.json.encode(fields).decode()
