"""What is recorded of a port's events: one function for each kind of port.

The composition root assigns them to the ports. Secrets get no further than this: credentials are
only ever sent, and what is sent is not recorded. Account details in the user channel are removed
here, in the process that has them anyway.
"""

from __future__ import annotations

from typing import Any

import msgspec

from actors.feeds.connection import NOT_DATA, Connected, Disconnected, Frame, FramesReceived
from actors.messages.directory import HttpAnswered
from actors.messages.recorder import (
    CapturedAnswer,
    CapturedClosing,
    CapturedFrames,
    CapturedItem,
    CapturedOpening,
)

PRIVATE_KEYS = frozenset(
    {
        "api_key",
        "apiKey",
        "auth",
        "address",
        "builder_code",
        "maker_address",
        "order_owner",
        "owner",
        "passphrase",
        "secret",
        "signature",
        "taker_address",
        "trade_owner",
        "transaction_hash",
    }
)
"""Fields of the user channel that are secret or identify the account, at any depth."""
_ANSWERS = {"time": "clob", "fee": "clob", "site": "website"}
"""Channels of the directory's requests by the beginning of their keys; all others are Gamma's."""


def capture_market(event: object, at_ns: int) -> CapturedItem | None:
    """Capture an event of the market channel."""
    return _capture(event, at_ns, "market")


def capture_reference(event: object, at_ns: int) -> CapturedItem | None:
    """Capture an event of Coinbase's feed."""
    return _capture(event, at_ns, "reference")


def capture_prices(event: object, at_ns: int) -> CapturedItem | None:
    """Capture an event of the price services, by whose names their connections' names begin."""
    if not isinstance(event, FramesReceived | Connected | Disconnected):
        return None
    return _capture(event, at_ns, event.name.partition("-")[0])


def capture_user(event: object, at_ns: int) -> CapturedItem | None:
    """Capture an event of the user channel, without secrets."""
    captured = _capture(event, at_ns, "user")
    if not isinstance(captured, CapturedFrames):
        return captured
    frames = tuple((redacted(raw), arrived_ns) for raw, arrived_ns in captured.frames)
    return CapturedFrames(captured.channel, captured.connection, frames, is_redacted=True)


def capture_answers(event: object, at_ns: int) -> CapturedItem | None:
    """Capture an HTTP answer to the directory."""
    if not isinstance(event, HttpAnswered):
        return None
    kind = event.request_id.partition("@")[0].partition("/")[0]
    return CapturedAnswer(
        channel=_ANSWERS.get(kind, "gamma"),
        url=event.url,
        status=event.status,
        body=event.body,
        arrived_ns=event.arrived_ns or at_ns,
    )


def redacted(raw: bytes) -> bytes:
    """Remove ``PRIVATE_KEYS`` from a JSON frame; drop anything else entirely."""
    try:
        return msgspec.json.encode(_without(msgspec.json.decode(raw)))
    except (msgspec.DecodeError, RecursionError):
        return b""


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without(each) for name, each in value.items() if name not in PRIVATE_KEYS}
    if isinstance(value, list):
        return [_without(each) for each in value]
    return value


def _capture(event: object, at_ns: int, channel: str) -> CapturedItem | None:
    match event:
        case FramesReceived():
            frames: tuple[Frame, ...] = tuple(
                frame for frame in event.frames if frame[0] not in NOT_DATA
            )
            if not frames:
                return None
            return CapturedFrames(channel, f"{event.name}#{event.epoch}", frames)
        case Connected():
            return CapturedOpening(channel, f"{event.name}#{event.epoch}", at_ns)
        case Disconnected():
            return CapturedClosing(channel, f"{event.name}#{event.epoch}", event.reason, at_ns)
    return None
