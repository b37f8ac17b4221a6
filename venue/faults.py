"""Faults on demand: what streams of real venues have been seen to do."""

from __future__ import annotations

import enum
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

import attrs

from venue.frames import Channel, Frame


class FaultKind(enum.Enum):
    """What a stream can be made to do."""

    # any stream
    STALL = "stall"
    """Open connections answer PING and send nothing else; new ones work."""
    SILENCE = "silence"
    """Nothing is published any more; requests, also those of new connections, are answered."""
    OFF = "off"
    """All connections are closed, and new ones are refused with 503."""
    GARBLE = "garble"
    """The next frames are cut off in the middle."""
    DROP = "drop"
    """All connections are closed."""
    DUPLICATE = "duplicate"
    """The next frames are sent twice."""
    REORDER = "reorder"
    """Each of the next frames is sent after the one that follows it."""
    RESUME = "resume"
    """All of this is over, and everything that was still to come is called off."""

    # PolyBolt; RTDS misses seconds too
    MISSING_SECONDS = "missing_seconds"
    """The next seconds' prices never arrive live; histories have them."""
    REFUSE_CREDENTIALS = "refuse_credentials"
    """Whatever credentials are presented are refused, and the connection is closed with 4001."""
    DROP_FRAMES = "drop_frames"
    """The next frames of each open connection are dropped, which the one after them says."""
    SEQ_JUMP = "seq_jump"
    """Each channel's numbers leave some out; nothing says that frames were dropped."""
    DRAIN = "drain"
    """All connections are closed with 4003: the server is being replaced."""
    SLOW_CONSUMER = "slow_consumer"
    """All connections are closed with 4002, as if their clients read too slowly."""
    POLICY_BREACH = "policy_breach"
    """All connections are closed with 4008, as if their clients broke a rule."""

    # Coinbase
    SEQUENCE_ANEW = "sequence_anew"
    """Its sequence begins anew far below; trade ids and times go on (F34)."""
    TICKERS_STOP = "tickers_stop"
    """No match is told any more, and heartbeats go on (F35)."""

    # the market channel
    UNREADABLE_CHANGE = "unreadable_change"
    """Of the next price changes the first level has no readable size (F37)."""
    MALFORMED_SIBLING = "malformed_sibling"
    """The next books come in an array with a trade that has no price (F38)."""


_ONLY_OF = {
    FaultKind.MISSING_SECONDS: (Channel.POLYBOLT, Channel.RTDS),
    FaultKind.REFUSE_CREDENTIALS: (Channel.POLYBOLT,),
    FaultKind.DROP_FRAMES: (Channel.POLYBOLT,),
    FaultKind.SEQ_JUMP: (Channel.POLYBOLT,),
    FaultKind.DRAIN: (Channel.POLYBOLT,),
    FaultKind.SLOW_CONSUMER: (Channel.POLYBOLT,),
    FaultKind.POLICY_BREACH: (Channel.POLYBOLT,),
    FaultKind.SEQUENCE_ANEW: (Channel.COINBASE,),
    FaultKind.TICKERS_STOP: (Channel.COINBASE,),
    FaultKind.UNREADABLE_CHANGE: (Channel.MARKET,),
    FaultKind.MALFORMED_SIBLING: (Channel.MARKET,),
}


def can_suffer(channel: Channel, kind: FaultKind) -> bool:
    """Whether a channel knows a kind of fault."""
    return channel in _ONLY_OF.get(kind, (channel,))


@attrs.define
class FaultPlan:
    """What will still go wrong with one channel's frames."""

    is_silent: bool = False
    is_off: bool = False
    refuses_credentials: bool = False
    _left: Counter[FaultKind] = attrs.field(factory=Counter)
    _held: Frame | None = None

    def plan(self, kind: FaultKind, count: int) -> None:
        """Let the next ``count`` frames suffer; RESUME calls everything off."""
        if kind is FaultKind.SILENCE:
            self.is_silent = True
        elif kind is FaultKind.OFF:
            self.is_off = True
        elif kind is FaultKind.REFUSE_CREDENTIALS:
            self.refuses_credentials = True
        elif kind is FaultKind.RESUME:
            self.is_silent = self.is_off = self.refuses_credentials = False
            self._left.clear()
        else:
            self._left[kind] = count

    def apply(self, frame: Frame) -> list[Frame]:
        """Turn a frame into what is sent in its place, in order."""
        if self.is_silent:
            return []
        for kind, spoil in _SPOILERS.items():
            text = spoil(frame.text) if self._left[kind] > 0 else None
            if text is not None:
                self._left[kind] -= 1
                frame = attrs.evolve(frame, text=text)
        sent = [frame]
        if self._left[FaultKind.DUPLICATE] > 0:
            self._left[FaultKind.DUPLICATE] -= 1
            sent.append(frame)
        if self._held is not None:
            held, self._held = self._held, None
            return [*sent, held]
        if self._left[FaultKind.REORDER] > 0:
            self._left[FaultKind.REORDER] -= 1
            self._held = frame
            return sent[1:]
        return sent


def _cut(text: str) -> str:
    return text[: len(text) // 2]


def _with_unreadable_level(text: str) -> str | None:
    """A price change whose first level cannot be read; None for any other frame."""
    event = json.loads(text)
    if event.get("event_type") != "price_change":
        return None
    event["price_changes"][0]["size"] = None
    return json.dumps(event, separators=(",", ":"))


def _with_malformed_sibling(text: str) -> str | None:
    """A book in one array with a trade that lacks its price; None for any other frame."""
    event = json.loads(text)
    if event.get("event_type") != "book":
        return None
    about = {key: event[key] for key in ("market", "asset_id", "timestamp")}
    trade = {**about, "size": "5", "side": "BUY", "event_type": "last_trade_price"}
    return json.dumps([trade, event], separators=(",", ":"))


_SPOILERS: Mapping[FaultKind, Callable[[str], str | None]] = {
    FaultKind.UNREADABLE_CHANGE: _with_unreadable_level,
    FaultKind.MALFORMED_SIBLING: _with_malformed_sibling,
    FaultKind.GARBLE: _cut,
}
"""What a fault makes of a frame's text, in this order; None if it does not befall such a frame."""


class _Injector(Protocol):
    def __call__(self, channel: Channel, kind: FaultKind, count: int = 1) -> None: ...


class Faults:
    """The faults of a running exchange, by name; see ``FaultKind`` for what each does."""

    def __init__(self, inject: _Injector) -> None:
        self.inject = inject

    def stall(self, channel: Channel | str) -> None:
        """Let open connections fall silent."""
        self.inject(Channel(channel), FaultKind.STALL)

    def resume(self, channel: Channel | str) -> None:
        """Call all faults of a channel off."""
        self.inject(Channel(channel), FaultKind.RESUME)

    def drop(self, channel: Channel | str) -> None:
        """Close all connections."""
        self.inject(Channel(channel), FaultKind.DROP)

    def garble(self, channel: Channel | str, count: int = 1) -> None:
        """Cut off the next frames."""
        self.inject(Channel(channel), FaultKind.GARBLE, count)

    def duplicate(self, channel: Channel | str, count: int = 1) -> None:
        """Send the next frames twice."""
        self.inject(Channel(channel), FaultKind.DUPLICATE, count)

    def reorder(self, channel: Channel | str, count: int = 1) -> None:
        """Send each of the next frames after the one that follows it."""
        self.inject(Channel(channel), FaultKind.REORDER, count)
