"""A stage in one process and virtual time, on which every message and actor can be made to fail.

It holds desk, Orders, simulated executor and a naive position, and the journal between them; the
supervisor's part (starting Orders, telling who was replaced) is played by the stage itself.
Mail lies in a heap from which a test takes it in any order, twice, or never. A kill may come
between any two effects of a handler, as a real one may.
"""

from __future__ import annotations

from collections import deque

import attrs
from host_bench import Falls, HostBench
from nouns import a_position
from order_builders import MARKET, SETTINGS, T0

from actors.core import Core, Dice, Effect, Effects, Record, Save, Send, handles
from actors.execution.desk import DeskCore
from actors.execution.desk_state import OrdersCreated
from actors.execution.order import OrderCore
from actors.execution.simulated import SimulatedExecutorCore
from actors.messages.directory import MarketClosing, MarketOpened
from actors.messages.execution import OrderFilled, OrderIntent, OrderReport, OrderState
from actors.messages.lifecycle import ChildLost, PeerRestarted, StartChild, Started, TimerFired
from actors.messages.market import MarketSnapshot
from actors.messages.position import FillBooked, PositionSnapshot, PositionWanted
from actors.model import Action, FillDetail, Side
from actors.roles import DESK, EXECUTOR, POSITION, SUPERVISOR, order_id_of, order_role
from actors.runtime.host import Host
from actors.settings import Settings

PERMANENT = (POSITION, EXECUTOR, DESK)


@attrs.frozen
class NaiveLedger:
    """Each (trade, order) pair that was booked, in the order of booking."""

    booked: tuple[OrderFilled, ...] = ()


class NaivePosition(Core):
    """The least that a ledger must do: book each fill once and answer every time."""

    RECOVERS = ("naive",)

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self.ledger = NaiveLedger()

    @handles(Started)
    def start(self, message: Started, _now_ms: int) -> Effects:
        for value in message.saved:
            assert isinstance(value, NaiveLedger)
            self.ledger = value
        return [Send(DESK, self.snapshot())]

    @handles(PeerRestarted, PositionWanted)
    def greet(self, _message: PeerRestarted | PositionWanted, _now_ms: int) -> Effects:
        return [Send(DESK, self.snapshot())]

    @handles(OrderFilled)
    def book(self, message: OrderFilled, _now_ms: int) -> Effects:
        effects: Effects = []
        if message not in self.ledger.booked:
            self.ledger = NaiveLedger((*self.ledger.booked, message))
            effects.append(Record(message, (Save("naive", "ledger", self.ledger),)))
            effects.append(Send(DESK, self.snapshot()))
        answer = FillBooked(
            order_id=message.order_id,
            trade_id=message.fill.trade_id,
            is_reversal=False,
            version=self.ledger.booked.index(message) + 1,
        )
        return [*effects, Send(order_role(message.order_id), answer)]

    def snapshot(self) -> PositionSnapshot:
        held = dict.fromkeys(Side, 0)
        for each in self.ledger.booked:
            sign = 1 if each.action is Action.BUY else -1
            held[each.side] += sign * each.fill.size_units
        return a_position(
            MARKET.market_id,
            version=len(self.ledger.booked),
            yes_units=held[Side.YES],
            no_units=held[Side.NO],
        )


class SmallStage:
    """Actors, mail, timers, journal and the clock."""

    def __init__(self) -> None:
        self.now_ms = T0
        self.bench = HostBench(SETTINGS, lambda: self.now_ms, self._post, _Accounts(self))
        self.bench.are_rows_tagged = False  # the naive ledger is no part of the product
        self.mail: list[tuple[str, object]] = []
        self.sent: deque[tuple[str, object]] = deque(maxlen=200)
        """Copies of the newest messages, some of which may turn up once more, late."""
        self.created: dict[str, OrderIntent] = {}
        self.traded: dict[str, dict[str, FillDetail]] = {}
        """What the venue has recorded as traded: order id to its fills by trade id."""
        self.lives = 0
        for role in PERMANENT:
            self.start(role)
        self.announce_window()

    # Actors

    def start(self, role: str) -> None:
        """Give a role an actor, unless it has one."""
        if role in self.cores:
            return
        self.lives += 1
        self.bench.start(role, _CORES.get(role, OrderCore), self.lives)
        if role in PERMANENT:
            for other in list(self.cores):
                if other != role and type(self.cores[other]).accepts(PeerRestarted):
                    self.mail.append((other, PeerRestarted(role)))

    def kill(self, role: str) -> None:
        """End an actor where it stands; what it has recorded and sent remains."""
        self.bench.end(role)
        if order_id_of(role) is not None:
            self.mail.append((DESK, ChildLost(role)))

    def revive(self) -> None:
        """Give every permanent role an actor again, as the supervisor would."""
        for role in PERMANENT:
            if role not in self.cores:
                self.start(role)
                if role == DESK:
                    self.announce_window()

    def announce_window(self) -> None:
        """Say that the window is open, as the directory does to whoever is new."""
        opened = MarketOpened(market=MARKET, strike=None)
        self.mail.extend([(DESK, opened), (EXECUTOR, opened)])

    # Messages

    def handle(self, role: str, message: object, dies_after: int | None = None) -> None:
        """Let an actor handle a message; it may die before performing all of its effects."""
        self.bench.hand(role, message, dies_after)
        if dies_after is not None and order_id_of(role) is not None:
            self.mail.append((DESK, ChildLost(role)))

    def deliver(self, index: int, dies_after: int | None = None) -> None:
        """Take one piece of mail off the heap and let its receiver, if alive, handle it."""
        to, message = self.mail.pop(index)
        if to == SUPERVISOR and isinstance(message, StartChild):
            self.start(message.role)
        elif to in self.cores:
            self.handle(to, message, dies_after)

    def fire_next_timer(self) -> None:
        """Let time pass until something is due, and let that happen."""
        due = self.bench.next_due()
        if due is not None:
            self.now_ms = max(self.now_ms, self.bench.due_ms.pop(due))
            self.handle(due[0], TimerFired(due[1]))

    def settle(self, limit_ms: int) -> None:
        """From now on nothing fails: deliver everything, and let this much time pass."""
        self.revive()
        end_ms = self.now_ms + limit_ms
        while self.mail or min(self.bench.due_ms.values()) <= end_ms:
            if self.mail:
                self.deliver(0)
            else:
                self.fire_next_timer()

    def correct_clock(self, by_ms: int) -> None:
        """Set the clock; timers run on as long as they would have."""
        self.now_ms += by_ms
        due_ms = self.bench.due_ms
        due_ms.update({key: due + by_ms for key, due in due_ms.items()})

    # The market

    def show(self, snapshot: MarketSnapshot) -> None:
        self.mail.append((EXECUTOR, snapshot))

    def close_window(self) -> None:
        self.mail.extend(
            [(DESK, MarketClosing(MARKET.market_id)), (EXECUTOR, MarketClosing(MARKET.market_id))]
        )

    # What tests look at

    @property
    def cores(self) -> dict[str, Core]:
        """Who lives."""
        return self.bench.cores

    @property
    def open_rows(self) -> set[tuple[str, str]]:
        """Which rows a restart would load."""
        return {key for key, (_, is_open) in self.bench.rows.items() if is_open}

    @property
    def errors(self) -> list[str]:
        """What was logged as an error."""
        return [log.text for log in self.bench.logs if log.level == "error"]

    @property
    def desk(self) -> DeskCore:
        desk = self.cores[DESK]
        assert isinstance(desk, DeskCore)
        return desk

    @property
    def position_version(self) -> int:
        ledger, _ = self.bench.rows.get(("naive", "ledger"), (NaiveLedger(), True))
        return len(ledger.booked)

    def booked(self) -> dict[str, dict[str, FillDetail]]:
        ledger, _ = self.bench.rows.get(("naive", "ledger"), (NaiveLedger(), True))
        booked: dict[str, dict[str, FillDetail]] = {}
        for each in ledger.booked:
            assert each.fill.trade_id not in booked.get(each.order_id, {})
            booked.setdefault(each.order_id, {})[each.fill.trade_id] = each.fill
        return booked

    def orders(self) -> dict[str, OrderState]:
        """Every order's record."""
        return {
            key: value for (kind, key), (value, _) in self.bench.rows.items() if kind == "order"
        }

    # Effects

    def _post(self, _sender: str, to: str, message: object) -> None:
        if to in _HEARD or order_id_of(to) is not None:
            self.mail.append((to, message))
            self.sent.append((to, message))


class _Accounts(Falls):
    """Keeps what was created and traded."""

    def __init__(self, stage: SmallStage) -> None:
        super().__init__()
        self._stage = stage

    def performed(self, host: Host, effect: Effect) -> None:
        del host
        stage, event = self._stage, effect.event if isinstance(effect, Record) else None
        if isinstance(event, OrdersCreated):
            for intent in event.intents:
                assert intent.order_id not in stage.created
                stage.created[intent.order_id] = intent
        if isinstance(event, OrderReport):
            traded = stage.traded.setdefault(event.order_id, {})
            for fill in event.fills:
                assert traded.setdefault(fill.trade_id, fill) == fill


_HEARD = (*PERMANENT, SUPERVISOR)
"""What strategy and observer would hear is of no concern here."""
_CORES: dict[str, type[Core]] = {
    DESK: DeskCore,
    EXECUTOR: SimulatedExecutorCore,
    POSITION: NaivePosition,
}
