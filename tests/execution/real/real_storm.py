"""The real executor among real Orders and the real ledger, while venue, mail and actors fail.

All in one process and in virtual time. A command travels to the venue for a while, also after the
executor that gave it has fallen; its answer finds only the executor that gave it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import attrs
import msgspec
from clob_double import ARRIVES_WITHIN_MS, ClobDouble
from host_bench import HostBench
from order_builders import MARKET, T0, intent, settings
from real_bench import READY

from actors.core import Core
from actors.execution.order import OrderCore
from actors.execution.order_state import is_booked
from actors.execution.real.core import RealExecutorCore
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import (
    CancelOrders,
    OpenClient,
    PostOrder,
    ReadAccount,
    SignOrder,
    SubscribeUser,
)
from actors.feeds.connection import Connect, Connected, Disconnect, FramesReceived, SendText
from actors.messages.directory import MarketOpened
from actors.messages.execution import OrderDone, OrderState, OrderUpdated
from actors.messages.lifecycle import PeerRestarted, TimerFired
from actors.model import Side
from actors.position.core import PositionCore
from actors.position.ledger import WindowLedger
from actors.roles import DESK, EXECUTOR, POSITION, order_id_of, order_role
from actors.units import shares

PERMANENT = (POSITION, EXECUTOR)
SETTINGS = settings(mode="live", durability="full", max_open_orders=50)

_CORES: dict[str, type[Core]] = {EXECUTOR: RealExecutorCore, POSITION: PositionCore}


@attrs.define
class Travelling:
    """A command on its way to the venue, or its answer on its way back."""

    life: int
    what: object
    until_ms: int
    is_answer: bool


class RealStorm:
    """The world, and everything that may happen in it."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.now_ms = T0
        self.venue = ClobDouble(self.dice)
        self.bench = HostBench(SETTINGS, lambda: self.now_ms, self._send)
        self.mail: list[tuple[str, object]] = []
        self.network: list[Travelling] = []
        self.posted: dict[str, set[str]] = {}
        self.epoch = 0
        self._lives = 0
        self._executor_life = 0
        self._count = 0
        for role in PERMANENT:
            self.start(role)

    # Actors

    @property
    def cores(self) -> dict[str, Core]:
        return self.bench.cores

    @property
    def rows(self) -> dict[tuple[str, str], Any]:
        return {key: value for key, (value, _) in self.bench.rows.items()}

    @property
    def open_rows(self) -> set[tuple[str, str]]:
        return {key for key, (_, is_open) in self.bench.rows.items() if is_open}

    @property
    def errors(self) -> list[str]:
        return [log.text for log in self.bench.logs if log.level == "error"]

    def start(self, role: str) -> None:
        if role in self.cores:
            return
        self._lives += 1
        if role == EXECUTOR:
            self._executor_life = self._lives
        core_class = _CORES.get(role, OrderCore)
        self.bench.start(role, core_class, self._lives, make_port=lambda: _VenueSide(self))
        if role in PERMANENT:
            self.mail.append((role, MarketOpened(market=MARKET, strike=None)))
            for other in list(self.cores):
                if other != role and type(self.cores[other]).accepts(PeerRestarted):
                    self.mail.append((other, PeerRestarted(role)))

    def kill(self, role: str) -> None:
        self.bench.end(role)
        if role == EXECUTOR:
            self.network = [each for each in self.network if not each.is_answer]

    def revive(self) -> None:
        for role in PERMANENT:
            self.start(role)
        for kind, order_id in sorted(self.open_rows):
            if kind == "order":
                self.start(order_role(order_id))

    # Messages

    def handle(self, role: str, message: object, dies_after: int | None = None) -> None:
        if role in self.bench.hosts:
            self.bench.hand(role, message, dies_after)
            if dies_after is not None:
                self.kill(role)

    def _send(self, _sender: str, to: str, message: object) -> None:
        if to in PERMANENT or order_id_of(to) is not None:
            self.mail.append((to, message))
        elif to == DESK and isinstance(message, OrderUpdated):
            order = message.order
            if order.is_terminal and is_booked(order):
                order_id = order.intent.order_id
                self.mail.append((order_role(order_id), OrderDone(order_id)))

    def command(self, command: object) -> None:
        """The executor has its port do something."""
        match command:
            case OpenClient():
                self._answer(READY)
            case Connect(epoch):
                self.epoch = epoch
                self._answer(Connected(epoch))
            case SubscribeUser() | SendText() | Disconnect():
                return
            case PostOrder(order_id=order_id, payload=payload):
                row = self.rows["live", order_id]
                assert isinstance(row, LiveOrder)
                assert row.payload == payload, "bytes left that were not recorded"
                assert row.posted_at_ms > 0, "a posting left that was not recorded"
                self.posted.setdefault(order_id, set()).add(payload)
                assert len(self.posted[order_id]) == 1, "one order left in two forms"
                self._travel(command)
            case _:
                self._travel(command)

    def _answer(self, event: object) -> None:
        self.network.append(
            Travelling(self._executor_life, event, self.now_ms + 5_000, is_answer=True)
        )

    def _travel(self, command: object) -> None:
        until_ms = self.now_ms + ARRIVES_WITHIN_MS
        self.network.append(Travelling(self._executor_life, command, until_ms, is_answer=False))

    # What happens

    def make_order(self) -> None:
        """The desk wants something."""
        self._count += 1
        order_id = f"order_{self._count}_{self._count:08x}"
        ttl_ms = self.dice.choice((3_000, 3_000, 60_000))
        wanted = intent(
            order_id=order_id,
            side=Side.YES,
            size_units=shares(self.dice.choice((5, 10, 20))),
            created_at_ms=self.now_ms,
            expires_at_ms=self.now_ms + ttl_ms,
        )
        key = ("order", order_id)
        self.bench.rows[key] = (OrderState(intent=wanted), True)
        self.start(order_role(order_id))

    def move(self, at: int, *, is_lost: bool = False, dies_after: int | None = None) -> None:
        """Something on the network arrives, or never does."""
        if not self.network:
            return
        each = self.network.pop(at % len(self.network))
        if each.is_answer:
            if EXECUTOR in self.cores:
                self.handle(EXECUTOR, each.what, dies_after)
            return
        answer = self.venue.lost(each.what)
        if not is_lost or self.dice.random() < 0.5:
            done = self._at_venue(each.what)
            answer = answer if is_lost else done
        if EXECUTOR in self.cores and each.life == self._executor_life:
            self._answer(answer)

    def _at_venue(self, command: object) -> object:
        match command:
            case SignOrder():
                return self.venue.sign(command)
            case PostOrder():
                return self.venue.post(command, self.now_ms)
            case CancelOrders():
                return self.venue.cancel(command)
            case ReadAccount():
                return self.venue.read(command, self.now_ms)
        raise AssertionError(command)

    def tell(self, rows: list[dict[str, Any]]) -> None:
        """The user channel says this, or some of it, or twice."""
        copies = 1 if self.venue.is_well else self.dice.choice((0, 1, 1, 2))
        for row in rows:
            for _ in range(copies):
                frame = (msgspec.json.encode(row), 1)
                self._answer(FramesReceived(self.epoch, (frame,)))

    def deliver(self, at: int, dies_after: int | None = None, *, again: bool = False) -> None:
        if self.mail:
            at %= len(self.mail)
            to, message = self.mail[at] if again else self.mail.pop(at)
            self.handle(to, message, dies_after)

    def lose(self, at: int) -> None:
        if self.mail:
            self.mail.pop(at % len(self.mail))

    def pass_time(self) -> None:
        """Until the next timer; what is on the network that long has arrived before."""
        timers, due = self.bench.due_ms, self.bench.next_due()
        if due is None:
            return
        due_ms = timers[due]
        for each in [each for each in self.network if each.until_ms <= due_ms]:
            self.move(self.network.index(each))
        if timers.get(due) == due_ms:
            del timers[due]
            self.now_ms = max(self.now_ms, due_ms)
            self.handle(due[0], TimerFired(due[1]))

    def blow(self) -> None:
        """One thing happens, by chance."""
        dice = self.dice
        at = dice.randrange(10_000)
        dies = dice.randrange(6)
        happenings: dict[Callable[[], None], float] = {
            self.make_order: 4,
            lambda: self.deliver(at): 40,
            lambda: self.deliver(at, again=True): 2,
            lambda: self.lose(at): 2,
            lambda: self.move(at): 30,
            lambda: self.move(at, is_lost=True): 3,
            self.pass_time: 20,
            lambda: self.tell(self.venue.match(self.now_ms)): 4,
            lambda: self.tell(self.venue.settle()): 3,
            lambda: self.tell(self.venue.cancel_some()): 1,
            lambda: self.deliver(at, dies): 1.5,
            lambda: self.move(at, dies_after=dies): 1.5,
            lambda: self.kill(dice.choice(sorted(self.cores) or [EXECUTOR])): 1,
            self.revive: 4,
        }
        dice.choices(list(happenings), list(happenings.values()))[0]()

    # Calm, and what must hold

    def calm(self, for_ms: int = 180_000) -> None:
        """From now on nothing fails; wait until nothing is left to do."""
        self.venue.is_well = True
        self.revive()
        end_ms = self.now_ms + for_ms
        while self.now_ms < end_ms:
            while self.mail or self.network:
                while self.mail:
                    self.deliver(0)
                if self.network:
                    self.move(0)
            self.tell(self.venue.settle())
            self.pass_time()
            self.revive()

    def check(self) -> None:
        left = [key for key in self.open_rows if key[0] == "order"]
        assert left == [], [(self.rows[key], self.rows.get(("live", key[1]))) for key in left]
        truth = self.venue.filled()
        ledger = self.rows.get(("position", MARKET.market_id))
        booked: dict[str, dict[str, int]] = {}
        if isinstance(ledger, WindowLedger):
            for entry in ledger.entries:
                if entry.reversed_version is None:
                    trades = booked.setdefault(entry.order_id, {})
                    trades[entry.fill.trade_id] = entry.fill.size_units
        assert booked == truth
        by_order: dict[str, list[str]] = {}
        for order in self.venue.orders.values():
            by_order.setdefault(order.order_id, []).append(order.venue_id)
            assert not order.is_open, "an order rests that nobody looks after"
        assert all(len(ids) == 1 for ids in by_order.values()), "an order is there twice"
        assert self.errors == []
        executor = self.cores[EXECUTOR]
        assert isinstance(executor, RealExecutorCore)
        check_totals(executor)


def check_totals(executor: RealExecutorCore) -> None:
    """What is kept of all orders, so that none has to be looked through, is as they add up."""
    orders = executor._orders
    over = [live for live in orders if live.is_final]
    assert orders.working == [live for live in orders if not live.is_final]
    assert orders.over_moved_nanos == sum(live.moved_nanos for live in over)


class _VenueSide:
    """The executor's port."""

    def __init__(self, storm: RealStorm) -> None:
        self._storm = storm

    def perform(self, command: object) -> None:
        self._storm.command(command)

    def close(self) -> None:
        """Nothing is open."""
