"""PolyBolt's protocol: frames with an ``op``, credentials once, then prices by channel.

Source: Polymarket's PolyBolt reference. Every request is either acknowledged or answered with an
error that leaves the connection open. Only refused credentials (4001) and policy breaches (4008)
close it. Error names that the reference does not document are our own.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from venue.channels.session import Close, Reply, Session
from venue.channels.user import Credentials, FindWallet
from venue.faults import FaultKind
from venue.frames import Frame
from venue.prices import PriceBoard
from venue.windows import TWAP_SECONDS
from venue.wire import polybolt as wire

CREDENTIALS_REFUSED, SLOW_CONSUMER, DRAINING, POLICY_BREACH = 4001, 4002, 4003, 4008
"""Close codes; a client reacts differently to each."""
MOST_SUBSCRIPTIONS = 64
MOST_FRAMES_PER_S = 20
"""Limit on subscribe and unsubscribe frames; a frame with many items counts once."""
MOST_FRAME_BYTES = 65_536
MOST_AUTH_TRIES = 8
PING_EVERY_S = 25.0
"""Real seconds between websocket pings, which every client library answers by itself."""

_MS_PER_S = 1_000
_SYMBOL = re.compile(r"[a-z0-9]{2,12}usd")


_CLOSES = {
    FaultKind.DRAIN: (Close(DRAINING, "draining"),),
    FaultKind.SLOW_CONSUMER: (Close(SLOW_CONSUMER, "slow consumer"),),
    FaultKind.POLICY_BREACH: (Close(POLICY_BREACH, "policy violation"),),
}


class _Item(msgspec.Struct):
    channel: str = ""
    filter: dict[str, Any] = {}

    @property
    def key(self) -> str:
        """Key of the frames it subscribes to."""
        return f"{self.channel}/{self.filter['symbol']}"


class _Request(msgspec.Struct):
    op: str = ""
    rid: str | None = None
    auth: Credentials | None = None
    channel: str = ""
    filter: dict[str, Any] = {}
    subscriptions: list[_Item] | None = None

    def items(self) -> list[_Item]:
        """Channels and filters it names: one beside the op, or several in a list."""
        if self.subscriptions is not None:
            return self.subscriptions
        return [_Item(self.channel, self.filter)]


_decode = msgspec.json.Decoder(_Request).decode


class PolyBoltSession(Session):
    """One client of ``/polybolt``; the limit on frames a second uses the host's time."""

    def __init__(
        self,
        prices: PriceBoard,
        find_wallet: FindWallet,
        now_ms: Callable[[], int],
        wall_ms: Callable[[], int],
        nonce: Callable[[], str],
    ) -> None:
        self.keys: set[str] = set()
        self._prices = prices
        self._find_wallet = find_wallet
        self._now_ms = now_ms
        self._wall_ms = wall_ms
        self._nonce = nonce
        self._is_authed = False
        self._auth_tries = 0
        self._frame_times_ms: deque[int] = deque()
        self._seq: Counter[str] = Counter()
        self._to_drop = 0
        self._dropped: Counter[str] = Counter()

    def receive(self, text: str) -> Sequence[Reply]:
        """Acknowledge a request, or answer with its error."""
        if len(text.encode()) > MOST_FRAME_BYTES:
            return [Close(POLICY_BREACH, "frame too large")]
        try:
            request = _decode(text)
        except msgspec.DecodeError:
            return [wire.error_text("bad_frame")]
        match request.op:
            case "auth":
                return self._authenticate(request)
            case "subscribe" | "unsubscribe":
                return self._change(request)
            case "ping":
                return [wire.ack_text("pong", rid=request.rid)]
            case "challenge":
                return [wire.ack_text("challenge", rid=request.rid, nonce=self._nonce())]
        return [wire.error_text("bad_op", rid=request.rid)]

    def carry(self, frame: Frame) -> Sequence[Reply]:
        """Number a price frame for this client, or count it as dropped."""
        channel = frame.keys[0].partition("/")[0]
        if self._to_drop:
            self._to_drop -= 1
            self._dropped[channel] += 1
            return ()
        return (self._number(channel, frame.text),)

    def is_pong(self, reply: str) -> bool:
        """Whether a reply answers a ping."""
        return reply.startswith(wire.PONG_START)

    def apply_fault(self, kind: FaultKind, count: int) -> Sequence[Reply]:
        """Drop the next prices, skip sequence numbers, or end the connection."""
        if kind is FaultKind.DROP_FRAMES:
            self._to_drop = count
        elif kind is FaultKind.SEQ_JUMP:
            for channel in wire.CHANNELS:
                self._seq[channel] += count
        elif kind is FaultKind.RESUME:
            self._to_drop = 0
        elif kind in _CLOSES:
            return _CLOSES[kind]
        return super().apply_fault(kind, count)

    # internals

    def _authenticate(self, request: _Request) -> Sequence[Reply]:
        self._auth_tries += 1
        if self._auth_tries > MOST_AUTH_TRIES:
            return [Close(POLICY_BREACH, "too many auth attempts")]
        auth = request.auth
        if auth is None:
            return [wire.error_text("auth_missing", rid=request.rid)]
        if self._find_wallet(auth.api_key, auth.secret, auth.passphrase) is None:
            refusal = wire.error_text("auth_invalid", rid=request.rid)
            return [refusal, Close(CREDENTIALS_REFUSED, "authentication failed")]
        self._is_authed = True
        return [wire.ack_text("authed", rid=request.rid)]

    def _change(self, request: _Request) -> Sequence[Reply]:
        """Subscribe or unsubscribe; each item is acknowledged separately."""
        items = request.items()
        if not items:
            return [wire.error_text("bad_frame", rid=request.rid)]
        if not self._is_timely():
            return [_refusal("rate_limited", request, items[0])]
        change = self._subscribe if request.op == "subscribe" else self._unsubscribe
        return [reply for item in items for reply in change(request, item)]

    def _subscribe(self, request: _Request, item: _Item) -> Iterable[Reply]:
        code = self._problem(item)
        if code:
            return [_refusal(code, request, item)]
        ack = wire.ack_text("subscribed", rid=request.rid, channel=item.channel)
        if item.key in self.keys:
            return [ack]
        if len(self.keys) >= MOST_SUBSCRIPTIONS:
            return [_refusal("sub_limit", request, item)]
        self.keys.add(item.key)
        body = self._prices.snapshot_body(item.channel, item.filter["symbol"], self._now_ms())
        return [ack, self._number(item.channel, body)]

    def _unsubscribe(self, request: _Request, item: _Item) -> Iterable[Reply]:
        code = self._problem(item)
        if code:
            return [_refusal(code, request, item)]
        self.keys.discard(item.key)
        return [wire.ack_text("unsubscribed", rid=request.rid, channel=item.channel)]

    def _problem(self, item: _Item) -> str:
        """Why an item cannot be served; empty if it can. Unknown symbols are allowed."""
        if item.channel not in wire.CHANNELS:
            return "bad_channel"
        if not self._is_authed:
            return "auth_required"
        wanted = {"symbol", "window_seconds"} if item.channel == wire.TWAP_CHANNEL else {"symbol"}
        symbol = item.filter.get("symbol")
        is_served = (
            item.filter.keys() == wanted
            and isinstance(symbol, str)
            and _SYMBOL.fullmatch(symbol)
            and item.filter.get("window_seconds", TWAP_SECONDS) == TWAP_SECONDS
        )
        return "" if is_served else "bad_filter"

    def _is_timely(self) -> bool:
        """Whether one more frame is within this second's limit."""
        now_ms, times_ms = self._wall_ms(), self._frame_times_ms
        while times_ms and times_ms[0] <= now_ms - _MS_PER_S:
            times_ms.popleft()
        if len(times_ms) >= MOST_FRAMES_PER_S:
            return False
        times_ms.append(now_ms)
        return True

    def _number(self, channel: str, body: str) -> str:
        self._seq[channel] += 1
        return wire.numbered(channel, self._seq[channel], body, self._dropped.pop(channel, 0))


def _refusal(code: str, request: _Request, item: _Item) -> str:
    return wire.error_text(code, rid=request.rid, channel=item.channel)
