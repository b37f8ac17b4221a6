"""Which of a port's events are recorded, and as what: a function for each kind of port.

The composition root names them beside the ports. Secrets never get any further than this: a
credential is only ever sent, and what is sent is not recorded; what the user channel tells of its
account is cut out here, in the process that has it anyway.
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
"""Fields of the user channel that are secret, or say whose account it is; at any depth."""
_ANSWERS = {"time": "clob", "fee": "clob", "site": "website"}
"""Channel of the directory's questions by how their keys begin; all others are Gamma's."""


def capture_market(event: object, at_ns: int) -> CapturedItem | None:
    """Capture the market channel."""
    return _capture(event, at_ns, "market")


def capture_reference(event: object, at_ns: int) -> CapturedItem | None:
    """Capture Coinbase's feed."""
    return _capture(event, at_ns, "reference")


def capture_prices(event: object, at_ns: int) -> CapturedItem | None:
    """Capture the price services; their connections' names begin with the service's."""
    if not isinstance(event, FramesReceived | Connected | Disconnected):
        return None
    return _capture(event, at_ns, event.name.partition("-")[0])


def capture_user(event: object, at_ns: int) -> CapturedItem | None:
    """Capture the user channel, without what is secret in it."""
    captured = _capture(event, at_ns, "user")
    if not isinstance(captured, CapturedFrames):
        return captured
    frames = tuple((redacted(raw), arrived_ns) for raw, arrived_ns in captured.frames)
    return CapturedFrames(captured.channel, captured.connection, frames, is_redacted=True)


def capture_answers(event: object, at_ns: int) -> CapturedItem | None:
    """Capture what the directory asks over HTTP."""
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
    """Remove ``PRIVATE_KEYS`` from a frame of JSON; of anything else nothing is kept."""
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
