"""What may happen to execution's actors together, and what must hold whatever happens."""

from __future__ import annotations

from order_builders import MARKET, T0, book, signal, signals, snapshot
from small_stage import PERMANENT, SmallStage

from actors.execution.simulated import SimulatedExecutorCore
from actors.messages.execution import CLOCK_STEP_MAX_MS, TERMINAL_STATUSES, OrderStatus
from actors.model import Side
from actors.roles import DESK, EXECUTOR, order_id_of

LEGS = ((Side.YES,), (Side.NO,), (Side.YES, Side.NO))
PRICES = (430, 440, 450, 460)


class Storm:
    """Desk, Orders, simulated executor and a position, while anything may fail."""

    def __init__(self) -> None:
        self.stage = SmallStage()
        self.stage.settle(limit_ms=0)
        self._signals_id = 0
        self._clock_error_ms = 0
        self._terminal: dict[str, OrderStatus] = {}

    # What the world does

    def signal(self, sides: tuple[Side, ...], *, is_late: bool) -> None:
        """The strategy wants something, perhaps on an older position."""
        self._signals_id += 1
        stage = self.stage
        message = signals(
            *(signal(side, 450, 10) for side in sides),
            at_ms=stage.now_ms,
            signals_id=self._signals_id,
            position_version=max(0, stage.position_version - is_late),
        )
        stage.mail.insert(0, (DESK, message))
        stage.sent.append((DESK, message))

    def show(self, yes: dict[int, int], no: dict[int, int]) -> None:
        """New books, as {price: whole shares for sale}."""
        at_ms = self.stage.now_ms
        self.stage.show(
            snapshot(book(asks=yes, at_ms=at_ms), book(asks=no, at_ms=at_ms), at_ms=at_ms)
        )

    def go_on(self, rounds: int) -> None:
        """Nothing fails for a while."""
        for _ in range(rounds):
            for _ in range(len(self.stage.mail)):
                self.stage.deliver(0)
            self.stage.fire_next_timer()

    def close_window(self) -> None:
        """The window ends; not too soon, or nothing would happen in it."""
        if self.stage.now_ms > T0 + 8_000:
            self.stage.close_window()

    def set_clock(self, error_ms: int) -> None:
        """Venue time is corrected, in either direction; it is never wrong by more than this."""
        self.stage.correct_clock(error_ms - self._clock_error_ms)
        self._clock_error_ms = error_ms

    # What the transport does

    def deliver(self, at: int, dies_after: int | None = None) -> None:
        """Some piece of mail arrives; its receiver may die over it."""
        if self.stage.mail:
            self.stage.deliver(at % len(self.stage.mail), dies_after)

    def lose(self, at: int) -> None:
        """Some piece of mail never arrives."""
        if self.stage.mail:
            del self.stage.mail[at % len(self.stage.mail)]

    def double(self, at: int) -> None:
        """Some piece of mail will arrive twice."""
        if self.stage.mail:
            self.stage.mail.append(self.stage.mail[at % len(self.stage.mail)])

    def copy_late(self, at: int) -> None:
        """Something that was sent a while ago arrives, perhaps for the second time."""
        sent = self.stage.sent
        if sent:
            self.stage.mail.append(sent[at % len(sent)])

    # What befalls actors

    def kill(self, at: int) -> None:
        """Some actor dies."""
        alive = sorted(self.stage.cores)
        if alive:
            self.stage.kill(alive[at % len(alive)])

    # What must hold

    def check(self) -> None:
        """At every moment."""
        stage = self.stage
        for order_id, traded in stage.traded.items():
            size_units = stage.created[order_id].size_units
            assert sum(fill.size_units for fill in traded.values()) <= size_units
        for order_id, booked in stage.booked().items():
            assert booked.items() <= stage.traded[order_id].items()
        for intent in stage.created.values():
            assert intent.pair_id is None or intent.pair_id in stage.created
        executor = stage.cores.get(EXECUTOR)
        if isinstance(executor, SimulatedExecutorCore):
            sides = [paper.intent.side for paper in executor._live.values()]
            assert len(sides) == len(set(sides)), "two orders of one side are at the venue"
        for order_id, order in stage.orders().items():
            if order_id in self._terminal:
                assert order.status is self._terminal[order_id]
            elif order.status in TERMINAL_STATUSES:
                self._terminal[order_id] = order.status
        assert stage.errors == []

    def calm(self) -> None:
        """Let everything settle, and check that nothing was lost and nothing is left over."""
        stage = self.stage
        stage.settle(limit_ms=20_000 + 2 * CLOCK_STEP_MAX_MS)
        self.check()
        orders = stage.orders()
        assert orders.keys() == stage.created.keys()
        for order_id, order in orders.items():
            traded = stage.traded.get(order_id, {})
            assert order.is_terminal
            assert {fill.trade_id: fill for fill in order.fills} == traded
            assert stage.booked().get(order_id, {}) == traded
        left = {key for key in stage.open_rows if key[0] in ("order", "paper")}
        assert left <= {("paper", "liquidity")}
        assert sorted(stage.cores) == sorted(PERMANENT), "an Order has not left"
        assert stage.desk._known.open_orders.busy(MARKET.market_id) == {}
        assert stage.desk._known.open_orders.markets() == frozenset()
        assert not [role for role in stage.cores if order_id_of(role)]
