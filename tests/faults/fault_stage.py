"""The live stage with the real desk, and actors that fall in the middle of what they do.

What the venue causes is injected at the local exchange, over HTTP; executor, port and client are
the real ones. In the end three accounts must be one: our record, the Orders', the exchange's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import attrs
from live_stage import LONG_MS, LiveStage, RunningExchange
from nouns import some_signals

from actors.core import Command, Core, Record
from actors.execution.desk import DeskCore
from actors.execution.desk_state import OrdersCreated
from actors.execution.real.core import RealExecutorCore
from actors.execution.real.messages import PostOrder
from actors.execution.real.user_channel import Settlement
from actors.feeds.market_feed import MarketFeedCore
from actors.feeds.port import WebSocketPort
from actors.market.core import MarketStateCore
from actors.messages.execution import OpenOrders, OrderState, OrderStatus, SignalsRefused
from actors.messages.lifecycle import ChildLost, StartChild
from actors.messages.strategy import TradeSignal
from actors.model import Side
from actors.position.core import PositionCore
from actors.roles import (
    DESK,
    EXECUTOR,
    MARKET_FEED,
    MARKET_STATE,
    POSITION,
    STRATEGY,
    SUPERVISOR,
    order_id_of,
)
from actors.runtime.port import HostPort
from actors.strategy.core import StrategyCore
from actors.units import shares

Effect = object
Moment = Callable[[Effect], bool]


class LivelyExchange(RunningExchange):
    """An exchange early in a window, whose books move all the time; that window is traded."""

    TRADED_INDEX: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__(starts_after_ms=20_000)


def recording(event_type: type, **fields: Any) -> Moment:
    """The moment at which an event is recorded."""

    def is_reached(effect: Effect) -> bool:
        return (
            isinstance(effect, Record)
            and isinstance(effect.event, event_type)
            and all(getattr(effect.event, name) == value for name, value in fields.items())
        )

    return is_reached


class FaultStage(LiveStage):
    """Desk, Orders, executor and ledger; market feed, market state and strategy when wanted."""

    CORES: ClassVar[dict[str, type[Core]]] = {
        POSITION: PositionCore,
        EXECUTOR: RealExecutorCore,
        DESK: DeskCore,
        MARKET_STATE: MarketStateCore,
        MARKET_FEED: MarketFeedCore,
        STRATEGY: StrategyCore,
    }
    ROLES: ClassVar[tuple[str, ...]] = (POSITION, EXECUTOR, DESK)

    def __init__(
        self, exchange: RunningExchange, *, sections: dict[str, Any] | None = None, **execution: Any
    ) -> None:
        super().__init__(exchange, **({"order_ttl_ms": LONG_MS} | execution))
        self.settings = self.bench.settings = attrs.evolve(self.settings, **(sections or {}))
        self.statuses: dict[str, list[OrderStatus]] = {}
        """Every status that an Order has recorded, in order."""
        self.reached_at_ms: dict[tuple[str, OrderStatus], int] = {}
        self.commanded_at_ms: list[tuple[int, object]] = []
        self._moment: tuple[str, Moment, bool] | None = None
        self._signals_id = 0

    def __enter__(self) -> FaultStage:
        super().__enter__()
        self.run_until(lambda: self.desk.is_serving, "the desk serves")
        return self

    def __exit__(self, *_: object) -> None:
        self.fall_all()

    @property
    def desk(self) -> DeskCore:
        desk = self.cores[DESK]
        assert isinstance(desk, DeskCore)
        return desk

    @property
    def market_state(self) -> MarketStateCore:
        core = self.cores[MARKET_STATE]
        assert isinstance(core, MarketStateCore)
        return core

    # Life and death

    def start(self, role: str) -> None:
        if role in self.cores:
            return
        super().start(role)

    def kill(self, role: str) -> None:
        super().kill(role)
        if order_id_of(role) is not None:
            self._mail.append((DESK, ChildLost(role)))

    def _make_port(self, role: str) -> HostPort | None:
        return WebSocketPort() if role == MARKET_FEED else super()._make_port(role)

    def fall_all(self) -> None:
        """Every process ends where it stands; what was under way between them is gone."""
        for role in list(self.cores):
            self.kill(role)
        self._mail.clear()

    def recover(self) -> None:
        """Start the whole system again, from what was recorded."""
        for role in self.ROLES:
            self.start(role)
        self.run_until(lambda: self.executor.is_serving and self.desk.is_serving, "all serve")

    def falls(self, role: str, moment: Moment, *, before: bool = False) -> None:
        """Let an actor (any Order, for "order") fall right after an effect, or before it."""
        self._moment = (role, moment, before)

    def run_until_fallen(self) -> None:
        self.run_until(lambda: self._moment is None, "the actor falls")

    # What a test does

    def signal(self, side: Side = Side.YES, *, above_ask: int = 30, size: int = 10) -> TradeSignal:
        """A wish to buy, by default at a price that trades at once."""
        bid, ask = self.exchange.best(self.market.token(side))
        return TradeSignal(
            side=side,
            price_ticks=ask + above_ask,
            size_units=shares(size),
            priority=0,
            reason="a test wants it",
            best_bid_ticks=bid,
            best_ask_ticks=ask,
        )

    def say(self, *signals: TradeSignal) -> None:
        """Tell the desk signals, as the strategy would."""
        self._signals_id += 1
        message = some_signals(
            self.market.market_id,
            *signals,
            signals_id=self._signals_id,
            position_version=self.ledger().version,
            snapshot_sequence=self._signals_id,
            snapshot_at_ms=self.now_ms,
            basis="a test",
            tick_ns=1,
        )
        self.tell(DESK, message)

    def want(self, *signals: TradeSignal) -> tuple[str, ...]:
        """Have the desk make orders of signals; returns their ids."""
        count = len(self.recorded(OrdersCreated))
        self.say(*signals)
        self.run_until(lambda: len(self.recorded(OrdersCreated)) > count, "orders are made")
        return tuple(intent.order_id for intent in self.recorded(OrdersCreated)[-1].intents)

    def marketable(self, side: Side = Side.YES, **changes: Any) -> str:
        """An order that trades at once."""
        return self.want(self.signal(side, **changes))[0]

    def resting(self, side: Side = Side.YES, *, above_ask: int = -50, size: int = 10) -> str:
        """An order that rests below the market; by default where the desk's price band ends."""
        return self.want(self.signal(side, above_ask=above_ask, size=size))[0]

    def ends(self, order_id: str) -> OrderStatus:
        """Wait until nothing is left to do for an order; its last status."""
        self.run_until(lambda: not self.rows["order", order_id][1], f"{order_id} closes")
        return self.state(order_id).status

    def reaches(self, order_id: str, *statuses: OrderStatus) -> None:
        names = [status.value for status in statuses]
        self.run_until(lambda: self.state(order_id).status in statuses, f"it is {names}")

    def until_settled(self) -> None:
        """Wait until no trade can fail any more."""
        self.run_until(
            lambda: all(
                trade.settlement in (Settlement.CONFIRMED, Settlement.FAILED)
                for live in self._live_rows()
                for trade in live.trades
            ),
            "all is settled",
        )

    def deliver_all(self) -> None:
        """Let all mail that is under way arrive, and what follows from it."""
        self.run_until(lambda: not self._mail, "all mail has arrived")

    def watch_market(self) -> None:
        """Follow the window's books, over the market channel."""
        self.start(MARKET_STATE)
        self.start(MARKET_FEED)
        self.run_until(lambda: self.market_state.is_serving, "both books are there")

    # What it looks at

    def took_ms(self, order_id: str, status: OrderStatus) -> int:
        """Venue time from an order's creation to a recorded status."""
        created_at_ms = self.state(order_id).intent.created_at_ms
        return self.reached_at_ms[order_id, status] - created_at_ms

    def posts(self, order_id: str) -> list[str]:
        """The bytes posted for an order, in order."""
        return [each.payload for each in self.commanded(PostOrder) if each.order_id == order_id]

    def told(self, kind: type[Any]) -> list[Any]:
        return [message for _, message in self.sent if isinstance(message, kind)]

    @property
    def refusals(self) -> list[str]:
        """Why the desk refused signals, each time."""
        return [refused.reason for refused in self.told(SignalsRefused)]

    def is_free(self, side: Side) -> bool:
        """Whether the desk has told that a side is free."""
        newest = self.told(OpenOrders)[-1]
        return side not in dict(newest.live)

    def injected(self, kind: str) -> int:
        """How often a fault has struck."""
        return int(self.exchange.get("/admin/ledger")["faults"].get(kind, 0))

    def hold_against_the_exchange(self) -> None:
        """Orders, trades and balances: our record says what the exchange's own books say."""
        self.assert_books_agree()
        theirs = self.exchange_books().orders
        ours = {live.venue_order_id: live for live in self._live_rows() if live.posted_at_ms}
        assert set(theirs) == set(ours)
        for key, live in ours.items():
            assert self.state(live.order_id).status is live.status
            assert theirs[key].is_open is not live.is_final

    # The machinery

    def before(self, role: str, effect: object) -> None:
        self._is_moment(role, effect, before=True)

    def after(self, role: str, effect: object) -> None:
        if role != MARKET_FEED:
            super().after(role, effect)
        if isinstance(effect, Command):
            self.commanded_at_ms.append((self.now_ms, effect.command))
        if isinstance(effect, Record):
            self._note_statuses(effect)
        self._is_moment(role, effect, before=False)

    def _is_moment(self, role: str, effect: object, *, before: bool) -> bool:
        """Whether this is where the actor falls; it does."""
        if self._moment is None:
            return False
        victim, moment, is_before = self._moment
        is_victim = role == victim or (victim == "order" and order_id_of(role) is not None)
        if not is_victim or is_before is not before or not moment(effect):
            return False
        self._moment = None
        self.kill(role)
        return True

    def _note_statuses(self, record: Record) -> None:
        for save in record.saves:
            if isinstance(save.value, OrderState):
                known = self.statuses.setdefault(save.key, [])
                if known[-1:] != [save.value.status]:
                    known.append(save.value.status)
                    self.reached_at_ms[save.key, save.value.status] = self.now_ms

    def _deliver(self, to: str, message: object) -> None:
        if to == SUPERVISOR and isinstance(message, StartChild):
            self.start(message.role)
        elif to in self.cores:
            self._mail.append((to, message))
