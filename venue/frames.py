"""What the exchange publishes: one text frame, and who may receive it."""

from __future__ import annotations

import enum

import msgspec


class Channel(enum.Enum):
    """The streams that the exchange serves."""

    MARKET = "market"
    RTDS = "rtds"
    POLYBOLT = "polybolt"
    COINBASE = "coinbase"
    USER = "user"


class Frame(msgspec.Struct, frozen=True):
    """One websocket text frame of a channel, ready to send.

    It goes to every session that subscribed to one of ``keys``: asset ids, topics, or channels of
    a product. A PolyBolt frame's text is its body, which each session numbers for its client.
    """

    channel: Channel
    keys: tuple[str, ...]
    text: str


_CUSTOM = "custom/"

NEW_MARKETS_KEY = f"{_CUSTOM}*"
"""Announcements of new markets go to every session with the custom feature."""


def custom_key(token: str) -> str:
    """Key of a token's events that only the custom feature brings."""
    return _CUSTOM + token


def is_custom(frame: Frame) -> bool:
    """Whether only sessions with the custom feature get a frame."""
    return frame.keys[0].startswith(_CUSTOM)
