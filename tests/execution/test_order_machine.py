"""One Order against a venue that may do anything a venue does, over a transport that may too."""

from __future__ import annotations

from host_bench import Falls, HostBench
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from order_builders import ORDER_ID, SETTINGS, T0, detail, intent

from actors.core import Effect, Record
from actors.execution.order import OrderCore
from actors.messages.execution import (
    CancelOrder,
    CancelRequested,
    FillReversed,
    OrderDone,
    OrderFilled,
    OrderReport,
    OrderState,
    OrderStatus,
    OrderUpdated,
    QueryOrder,
    SubmitOrder,
)
from actors.messages.lifecycle import TimerFired
from actors.messages.position import FillBooked
from actors.model import FillDetail, TimeInForce
from actors.roles import DESK, order_role
from actors.runtime.host import Host
from actors.units import shares

SIZE = 10
MONEY_BUYS = 14
"""So much at most, in shares, of a purchase that is sized in money."""
ROLE = order_role(ORDER_ID)


class AnyVenue:
    """An order's truth, and what the executor would say of it."""

    def __init__(self) -> None:
        self.submit_count = 0
        self.is_sized_in_money = False
        self.status: OrderStatus | None = None
        self.fills: dict[str, FillDetail] = {}
        self.failed: set[str] = set()
        self.failed_late: set[str] = set()
        """Those that failed after the end: of them the executor tells position itself."""

    @property
    def is_open(self) -> bool:
        return self.status in (OrderStatus.PENDING, OrderStatus.ACCEPTED, OrderStatus.UNKNOWN)

    @property
    def traded(self) -> int:
        return sum(fill.size_units for fill in self.fills.values()) // shares(1)

    @property
    def left(self) -> int:
        return (MONEY_BUYS if self.is_sized_in_money else SIZE) - self.traded

    def submit(self) -> object:
        if self.status is not None:
            return self.report()
        self.submit_count += 1
        self.status = OrderStatus.PENDING
        return self.report()

    def cancel(self) -> object:
        if self.status is None or self.is_open:
            self.status = OrderStatus.CANCELLED
        return self.report()

    def trade(self, size: int) -> object:
        fill = detail(f"t{len(self.fills)}", size)
        self.fills[fill.trade_id] = fill
        self.status = OrderStatus.ACCEPTED if self.left else OrderStatus.FILLED
        return self.report()

    def report(self) -> OrderReport:
        return OrderReport(
            order_id=ORDER_ID,
            status=self.status,
            fills=tuple(self.fills.values()),
            failed_trade_ids=tuple(sorted(self.failed)),
        )


class OrderMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.venue = AnyVenue()
        self.mail: list[object] = []
        self.bench = HostBench(SETTINGS, lambda: self.now_ms, self.hear, _Records(self))
        self.ledger: set[str] = set()
        self.reversed: set[str] = set()
        self.saved = OrderState(intent=intent())
        self.end: OrderStatus | None = None
        self.is_closed = False
        self.version = 0
        self.now_ms = T0

    @initialize(kind=st.sampled_from((TimeInForce.GTC, TimeInForce.FAK)))
    def order(self, kind: TimeInForce) -> None:
        self.saved = OrderState(intent=intent(time_in_force=kind))
        self.venue.is_sized_in_money = self.saved.intent.is_sized_in_money
        self.start()

    def start(self) -> None:
        self.bench.end(ROLE)
        self.bench.rows["order", ORDER_ID] = (self.saved, not self.is_closed)
        self.bench.start(ROLE, OrderCore, 1)

    @property
    def is_up(self) -> bool:
        return ROLE in self.bench.hosts

    @property
    def timers(self) -> list[str]:
        return sorted(key for _, key in self.bench.due_ms)

    def give(self, message: object, dies_after: int | None = None) -> None:
        self.bench.hand(ROLE, message, dies_after)
        assert self.bench.logs == []

    # What the Order's effects lead to

    def hear(self, _sender: str, to: str, message: object) -> None:
        match message:
            case SubmitOrder():
                self.mail.append(self.venue.submit())
            case CancelOrder():
                self.mail.append(self.venue.cancel())
            case QueryOrder():
                self.mail.append(self.venue.report())
            case OrderFilled():
                self.ledger.add(message.fill.trade_id)
                self.book(message.fill.trade_id, is_reversal=False)
            case FillReversed():
                assert message.fill.trade_id in self.ledger, "a reversal overtook its fill"
                self.reversed.add(message.fill.trade_id)
                self.book(message.fill.trade_id, is_reversal=True)
            case OrderUpdated(order) if to == DESK and order.is_terminal:
                assert {fill.trade_id for fill in order.fills} == self.venue.fills.keys()
                assert not order.unbooked
                self.mail.append(OrderDone(ORDER_ID))

    def book(self, trade_id: str, *, is_reversal: bool) -> None:
        self.version += 1
        self.mail.append(
            FillBooked(
                order_id=ORDER_ID,
                trade_id=trade_id,
                is_reversal=is_reversal,
                version=self.version,
            )
        )

    # What the venue does

    @precondition(lambda self: self.venue.is_open)
    @rule(size=st.integers(1, SIZE))
    def trade(self, size: int) -> None:
        self.mail.append(self.venue.trade(min(size, self.venue.left)))

    @precondition(
        lambda self: (
            self.venue.is_open and self.venue.is_sized_in_money and self.venue.traded >= SIZE
        )
    )
    @rule()
    def spend_all_the_money(self) -> None:
        self.venue.status = OrderStatus.FILLED
        self.mail.append(self.venue.report())

    @precondition(lambda self: self.venue.status is OrderStatus.PENDING)
    @rule()
    def lose_the_outcome(self) -> None:
        self.venue.status = OrderStatus.UNKNOWN
        self.mail.append(self.venue.report())

    @precondition(lambda self: self.venue.is_open)
    @rule()
    def accept(self) -> None:
        self.venue.status = OrderStatus.ACCEPTED
        self.mail.append(self.venue.report())

    @precondition(
        lambda self: (
            self.venue.status in (OrderStatus.PENDING, OrderStatus.UNKNOWN) and not self.venue.fills
        )
    )
    @rule()
    def reject(self) -> None:
        self.venue.status = OrderStatus.REJECTED
        self.mail.append(self.venue.report())

    @precondition(lambda self: self.venue.is_open)
    @rule()
    def end_early(self) -> None:
        self.mail.append(self.venue.cancel())

    @precondition(lambda self: self.venue.fills)
    @rule(at=st.integers(0, 9), is_told=st.booleans())
    def fail_a_trade(self, at: int, is_told: bool) -> None:
        trade_id = sorted(self.venue.fills)[at % len(self.venue.fills)]
        if self.venue.is_open:
            self.venue.failed.add(trade_id)
        elif trade_id not in self.venue.failed:
            self.venue.failed_late.add(trade_id)
            self.ledger.add(trade_id)
            self.reversed.add(trade_id)
        if is_told:
            self.mail.append(self.venue.report())

    # What the transport and the machine do

    @precondition(lambda self: self.mail)
    @rule(at=st.integers(0, 99), dies_after=st.none() | st.integers(0, 5), again=st.booleans())
    def deliver(self, at: int, dies_after: int | None, again: bool) -> None:
        at %= len(self.mail)
        message = self.mail[at] if again else self.mail.pop(at)
        self.give(message, dies_after)

    @precondition(lambda self: self.mail)
    @rule(at=st.integers(0, 99))
    def lose(self, at: int) -> None:
        self.mail.pop(at % len(self.mail))

    @precondition(lambda self: self.timers)
    @rule(at=st.integers(0, 9))
    def fire(self, at: int) -> None:
        key = self.timers[at % len(self.timers)]
        del self.bench.due_ms[ROLE, key]
        self.now_ms += 500
        self.give(TimerFired(key))

    @rule()
    def ask_to_cancel(self) -> None:
        self.mail.append(CancelRequested(ORDER_ID, "halted"))

    @rule()
    def restart(self) -> None:
        self.start()

    # What must hold

    @invariant()
    def what_is_filled_is_the_sum_of_unique_trades(self) -> None:
        trades = {fill.trade_id: fill for fill in self.saved.fills}
        assert len(trades) == len(self.saved.fills)
        assert trades.items() <= self.venue.fills.items()
        stand = [fill for key, fill in trades.items() if key not in self.saved.reversed_trade_ids]
        assert self.saved.filled_units == sum(fill.size_units for fill in stand)
        assert self.saved.filled_units <= self.saved.traded_units <= shares(MONEY_BUYS)
        assert self.saved.traded_units <= shares(SIZE) or self.venue.is_sized_in_money

    @invariant()
    def a_terminal_order_stays_terminal(self) -> None:
        if self.end is not None:
            assert self.saved.status is self.end
        if self.saved.is_terminal:
            self.end = self.saved.status

    @invariant()
    def it_is_sent_once(self) -> None:
        assert self.venue.submit_count <= 1

    @invariant()
    def unknown_is_left_by_evidence_only(self) -> None:
        if self.venue.status is OrderStatus.UNKNOWN:
            assert not self.saved.is_terminal

    def teardown(self) -> None:
        """Nothing fails any more: the order comes to its end and leaves."""
        for _round in range(100):
            if self.is_closed and not self.is_up:
                break
            if not self.is_up:
                self.start()
            while self.mail and self.is_up:
                self.give(self.mail.pop(0))
            self.now_ms += 1_000
            for key in self.timers:
                if self.bench.due_ms.pop((ROLE, key), None) is not None:
                    self.give(TimerFired(key))
        assert self.is_closed
        assert not self.is_up
        assert not self.venue.is_open
        assert {fill.trade_id for fill in self.saved.fills} == self.venue.fills.keys()
        assert self.saved.reversed_trade_ids == self.venue.failed
        failed = self.venue.failed | self.venue.failed_late
        assert self.ledger - self.reversed == self.venue.fills.keys() - failed


class _Records(Falls):
    def __init__(self, machine: OrderMachine) -> None:
        super().__init__()
        self._machine = machine

    def performed(self, host: Host, effect: Effect) -> None:
        del host
        if isinstance(effect, Record):
            (save,) = effect.saves
            assert isinstance(save.value, OrderState)
            self._machine.saved, self._machine.is_closed = save.value, not save.is_open


OrderMachine.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestOneOrderAgainstAnyVenue = OrderMachine.TestCase
