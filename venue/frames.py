"""Published frames: one text, and the keys of who receives it."""

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

    It goes to every session that subscribed to one of ``keys``: asset ids, topics, or a product's
    channels. The text of a PolyBolt frame is its body; each session numbers it for its client.
    """

    channel: Channel
    keys: tuple[str, ...]
    text: str


_CUSTOM = "custom/"

NEW_MARKETS_KEY = f"{_CUSTOM}*"
"""Announcements of new markets go to every session with the custom feature."""


def custom_key(token: str) -> str:
    """Key of a token's events that require the custom feature."""
    return _CUSTOM + token


def is_custom(frame: Frame) -> bool:
    """Whether a frame goes only to sessions with the custom feature."""
    return frame.keys[0].startswith(_CUSTOM)
