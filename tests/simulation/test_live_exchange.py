"""The simulated exchange's order side, and the executor's hand on it."""

from __future__ import annotations

import attrs
from trial_plans import SETTINGS

from actors.execution.real.messages import (
    AccountRead,
    AccountUnread,
    CancelAnswered,
    CancelOrders,
    ClientFailed,
    ClientReady,
    OpenClient,
    OrderSigned,
    PostAnswered,
    PostOrder,
    PostRefused,
    PostUnclear,
    ReadAccount,
    SignOrder,
)
from actors.model import Action, TimeInForce
from actors.runtime.scheduler import Scheduler
from actors.units import shares
from simulation.chance import dice
from simulation.exchange.exchange import Exchange
from simulation.exchange.order_rates import LiveFaultRates
from simulation.exchange.ports import Wire
from simulation.live.venue_port import SimulatedVenuePort
from simulation.plan import FaultRates
from simulation.trial import EPOCH_MS
from venue.engine.messages import Outcome


@attrs.define
class Listener:
    """Stands for an actor: takes what its port tells it."""

    scheduler: Scheduler
    is_gone: bool = False
    heard: list[object] = attrs.field(factory=list)

    @property
    def now_ms(self) -> int:
        return self.scheduler.now_ms

    def take_event(self, event: object) -> None:
        if not self.is_gone:
            self.heard.append(event)


class Scene:
    """An exchange with one executor's hand on it."""

    def __init__(self, **rates: float) -> None:
        self.scheduler = Scheduler(EPOCH_MS)
        exchange = Exchange(self.scheduler, SETTINGS, seed=1)
        self.side = exchange.take_orders(LiveFaultRates(**rates))
        exchange.begin()
        self.window = exchange.open_windows[0]
        self.actor = Listener(self.scheduler)
        wire = Wire(self.scheduler, exchange, FaultRates(), dice(1, "wire"))
        self.hand = SimulatedVenuePort(wire, self.actor)  # type: ignore[arg-type] # listens like one

    def ask(self, command: object, within_ms: int = 30_000) -> object:
        """Give a command; what it is answered, if it is."""
        count = len(self.actor.heard)
        self.hand.perform(command)
        self.scheduler.run_until(self.scheduler.now_ms + within_ms)
        return self.actor.heard[count] if len(self.actor.heard) > count else None

    def signed(self, price_ticks: int = 10) -> OrderSigned:
        signed = self.ask(
            SignOrder(
                order_id="order_1",
                token=self.window.window.up_token,
                action=Action.BUY,
                price_ticks=price_ticks,
                size_units=shares(200),
                time_in_force=TimeInForce.GTC,
            ),
            within_ms=10,
        )
        assert isinstance(signed, OrderSigned)
        return signed


def post(signed: OrderSigned) -> PostOrder:
    return PostOrder(order_id=signed.order_id, payload=signed.payload)


def test_an_order_rests_is_read_and_is_taken_back() -> None:
    scene = Scene()
    assert isinstance(scene.ask(OpenClient()), ClientReady)
    signed = scene.signed()
    answered = scene.ask(post(signed), within_ms=200)
    assert isinstance(answered, PostAnswered)
    assert (answered.venue_order_id, answered.status) == (signed.venue_order_id, "live")
    market_id = scene.window.window.condition_id
    question = ReadAccount(
        read_id=1,
        venue_order_ids=(signed.venue_order_id,),
        market_ids=(market_id,),
        balances_of=scene.window.window.tokens,
        with_cash=True,
    )
    read = scene.ask(question, within_ms=1_000)
    assert isinstance(read, AccountRead)
    assert [order.order_id for order in read.open_orders] == [signed.venue_order_id]
    assert read.cash_units == 5_000_000_000
    cancelled = scene.ask(CancelOrders((signed.venue_order_id,)), within_ms=1_000)
    assert isinstance(cancelled, CancelAnswered)
    assert cancelled.canceled == (signed.venue_order_id,)


def test_whoever_signs_an_order_twice_makes_two_orders_of_it() -> None:
    scene = Scene()
    first, second = scene.signed(), scene.signed()
    assert first.venue_order_id != second.venue_order_id
    for signed in (first, second):
        scene.ask(post(signed), within_ms=200)
    assert len(scene.side.records_of("order_1")) == 2


def test_the_same_bytes_are_never_two_orders() -> None:
    scene = Scene()
    signed = scene.signed()
    scene.ask(post(signed), within_ms=200)
    again = scene.ask(post(signed), within_ms=200)
    assert isinstance(again, PostRefused)
    assert "Duplicated" in again.text
    assert len(scene.side.records_of("order_1")) == 1


def test_a_request_arrives_even_if_its_sender_has_fallen() -> None:
    scene = Scene()
    signed = scene.signed()
    scene.actor.is_gone = True
    assert scene.ask(post(signed)) is None
    assert scene.side.records_of("order_1")


def test_nothing_is_signed_by_an_executor_that_has_fallen() -> None:
    scene = Scene()
    scene.actor.is_gone = True
    command = SignOrder(
        order_id="order_1",
        token=scene.window.window.up_token,
        action=Action.BUY,
        price_ticks=10,
        size_units=shares(200),
        time_in_force=TimeInForce.GTC,
    )
    assert scene.ask(command) is None
    assert not scene.side.signatures


def test_a_lost_answer_leaves_an_order_and_no_knowledge_of_it() -> None:
    scene = Scene(lost_answer=1.0)
    answer = scene.ask(post(scene.signed()))
    assert isinstance(answer, PostUnclear)
    assert scene.side.records_of("order_1")
    assert not +scene.side.on_their_way


def test_what_does_not_arrive_is_told_and_leaves_nothing() -> None:
    scene = Scene(reset=1.0, unread=1.0)
    assert isinstance(scene.ask(OpenClient()), ClientFailed)
    question = ReadAccount(read_id=1, venue_order_ids=(), market_ids=(), balances_of=())
    assert isinstance(scene.ask(question), AccountUnread)
    assert not scene.side.records


def test_a_slipping_book_leaves_an_order_to_rest() -> None:
    scene = Scene(slips=1.0)
    ask_ticks = scene.window.publisher.books[Outcome.UP].best_ask_ticks
    assert ask_ticks is not None
    answered = scene.ask(post(scene.signed(ask_ticks)), within_ms=200)
    assert isinstance(answered, PostAnswered)
    assert answered.status == "live"
