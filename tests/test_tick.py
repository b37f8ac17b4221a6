"""One frame on its way from the socket's bytes to a settled window; docs/tick.md tells it.

The actors are the product's own cores, each in a host, in one room without processes, sockets or
waiting: what they say lies in a queue, and time passes when the test says so. Every message that is
said is a line, and the page's lines are these.
"""

from __future__ import annotations

import json
import re
from collections import deque
from pathlib import Path
from typing import Any

from host_bench import HostBench
from nouns import a_market

from actors.execution.desk_state import OrdersCreated
from actors.feeds.connection import Connect, Connected, FramesReceived, SendText
from actors.messages.directory import MarketClosing, MarketOpened, MarketResolved
from actors.messages.execution import OrderState, OrderStatus
from actors.messages.feeds import ReferencePrice
from actors.messages.lifecycle import StartChild, TimerFired
from actors.messages.position import PositionSnapshot, WindowSettled
from actors.model import Side, Strike
from actors.position.ledger import WindowLedger
from actors.roles import (
    DESK,
    DIRECTORY,
    EXECUTOR,
    MARKET_FEED,
    MARKET_STATE,
    OBSERVER,
    POSITION,
    REFERENCE_FEED,
    STRATEGY,
    SUPERVISOR,
    order_id_of,
)
from actors.runtime.port import HostPort
from actors.settings import Settings
from actors.units import E18, shares, taker_fee_nanos
from understudy.composition import ACTORS, ORDER

PAGE = Path(__file__).parents[1] / "docs" / "tick.md"
OPENS_AT_MS = 1_750_000_500_000
MARKET = a_market(OPENS_AT_MS, slug="btc-updown-15m-1750000500")
STRIKE = Strike(price_e18=64_100 * E18, source="twap", timestamp_ms=OPENS_AT_MS)
_STARTED = (OBSERVER, POSITION, EXECUTOR, DESK, STRATEGY, MARKET_STATE, MARKET_FEED)


class NotedCommands(HostPort):
    """A port that only remembers what its core wants of the world."""

    def __init__(self) -> None:
        self.commands: list[object] = []

    def perform(self, command: object) -> None:
        self.commands.append(command)

    def close(self) -> None:
        """Hold nothing."""


class Room:
    """The actors of a run, a queue of what they say, and the time."""

    def __init__(self) -> None:
        self.now_ms = OPENS_AT_MS + 20_000
        self.bench = HostBench(Settings(), lambda: self.now_ms, self._say)
        self.socket = NotedCommands()
        self.lines: list[str] = []
        self.said: list[Any] = []
        self._queue: deque[tuple[str, str, object]] = deque()
        for role in _STARTED:
            self.bench.start(role, ACTORS[role].core, seed=1, make_port=lambda: self.socket)
        self._run()

    def _say(self, sender: str, to: str, message: object) -> None:
        self._queue.append((sender, to, message))

    def _run(self) -> None:
        while self._queue:
            sender, to, message = self._queue.popleft()
            self.said.append(message)
            if OBSERVER not in (sender, to):  # it hears everything and says nothing that trades
                self.lines.append(f"{_short(sender)} -> {_short(to)}: {type(message).__name__}")
            if to == SUPERVISOR and isinstance(message, StartChild):
                self.bench.start(message.role, ORDER.core, seed=2)
            self.bench.hand(to, message)

    def tell(self, sender: str, to: str, message: object) -> None:
        """Let somebody who is not in the room say something."""
        self._say(sender, to, message)
        self._run()

    def event(self, role: str, event: object) -> None:
        """Let an actor's port report something."""
        self.bench.hand(role, event)
        self._run()

    def arrive(self, *frames: bytes) -> None:
        """Let frames come out of the market channel's socket."""
        epoch = next(each.epoch for each in self.socket.commands if isinstance(each, Connect))
        self.event(MARKET_FEED, FramesReceived(epoch, tuple((raw, 1) for raw in frames)))

    def wait(self, span_ms: int) -> None:
        """Let time pass, and timers run out."""
        end_ms, due_ms = self.now_ms + span_ms, self.bench.due_ms
        while (timer := self.bench.next_due()) is not None and due_ms[timer] <= end_ms:
            self.now_ms = due_ms.pop(timer)
            role, key = timer
            self.event(role, TimerFired(key))
        self.now_ms = end_ms

    def newest(self, kind: type) -> Any:
        """The newest message of a type."""
        return [each for each in self.said if isinstance(each, kind)][-1]

    def saved(self, kind: type) -> list[Any]:
        """Every value of a type that the journal has now."""
        return [value for value, _ in self.bench.rows.values() if isinstance(value, kind)]

    def take_lines(self) -> list[str]:
        """What was said since the last time."""
        lines, self.lines = self.lines, []
        return lines


def _short(role: str) -> str:
    return "order" if order_id_of(role) else role


def book(token: str, bid: str, ask: str, at_ms: int) -> bytes:
    """A frame of the market channel, as the venue writes it: one token's whole book."""
    return json.dumps(
        {
            "event_type": "book",
            "market": MARKET.market_id,
            "asset_id": token,
            "bids": [{"price": bid, "size": "100"}],
            "asks": [{"price": ask, "size": "100"}],
            "timestamp": str(at_ms),
            "hash": "0a",
        }
    ).encode()


def opened_room() -> Room:
    """A window is open, connected, and its books do not tempt the strategy."""
    room = Room()
    for role in (POSITION, EXECUTOR, DESK, MARKET_STATE, MARKET_FEED):
        room.tell(DIRECTORY, role, MarketOpened(market=MARKET, strike=STRIKE))
    (connect,) = room.socket.commands
    assert isinstance(connect, Connect)
    room.event(MARKET_FEED, Connected(connect.epoch))
    assert isinstance(room.socket.commands[-1], SendText)  # it subscribes both tokens
    price = ReferencePrice(price_e18=64_150 * E18, timestamp_ms=room.now_ms)
    room.tell(REFERENCE_FEED, MARKET_STATE, price)
    room.arrive(book("111", "0.46", "0.47", room.now_ms), book("222", "0.61", "0.62", room.now_ms))
    room.wait(1_000)
    room.take_lines()
    return room


def chapters() -> list[list[str]]:
    """The page's own lines, a list for each of its chapters that has any."""
    blocks = re.findall(r"```text\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [block.splitlines() for block in blocks]


def test_a_tick_goes_the_way_that_the_page_tells() -> None:
    room = opened_room()
    tick, decided, filled, settled = chapters()

    # 1-2 The frame, the book, the snapshot, the strategy
    room.arrive(book("111", "0.38", "0.39", room.now_ms))
    lines = room.take_lines()
    assert lines[: len(tick)] == tick

    # 3 The desk decides, records, and then lets the order leave
    assert lines[len(tick) :] == decided
    (created,) = [each for each in room.bench.events if isinstance(each, OrdersCreated)]
    (intent,) = created.intents
    assert (intent.side, intent.price_ticks, intent.size_units) == (Side.YES, 390, shares(20))
    (order,) = room.saved(OrderState)
    assert order.intent == intent
    assert not order.is_terminal

    # 4-6 The venue answers; order, ledger and desk each take what is theirs
    room.wait(room.bench.settings.execution.latency_ms)
    assert room.take_lines() == filled
    (order,) = room.saved(OrderState)
    assert order.status is OrderStatus.FILLED
    position = room.newest(PositionSnapshot)
    fee_nanos = taker_fee_nanos(390, shares(20), MARKET.fee_rate_bps)
    assert position.yes.quantity_units == shares(20)
    assert position.yes.cost_nanos == 390 * shares(20)
    assert position.fees_nanos == fee_nanos

    # The window's end
    room.now_ms = MARKET.closes_at_ms
    for role in (DESK, EXECUTOR, MARKET_STATE, MARKET_FEED):
        room.tell(DIRECTORY, role, MarketClosing(MARKET.market_id))
    room.take_lines()
    room.tell(
        DIRECTORY,
        POSITION,
        MarketResolved(
            market=MARKET,
            winner=Side.YES,
            strike_e18=STRIKE.price_e18,
            close_e18=64_200 * E18,
            evidence="the venue",
        ),
    )
    assert room.take_lines() == settled
    (ledger,) = room.saved(WindowLedger)
    right_nanos = 1_000 * shares(20) - 390 * shares(20) - fee_nanos
    assert ledger.pnl_nanos() == room.newest(WindowSettled).pnl_nanos == right_nanos


def test_the_page_names_what_is_in_the_tree() -> None:
    root = PAGE.parents[1]
    named = re.findall(r"`((?:actors|tests|understudy)/[\w/.]+)`", PAGE.read_text())
    assert named
    assert [name for name in named if not (root / name).exists()] == []
