"""The real executor's port to the simulated exchange, without a network.

The exchange's answers are parsed like those of the real venue. A request that was sent arrives even
if its sender has crashed since.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from actors.execution.real.messages import (
    CancelAll,
    CancelAnswered,
    CancelFailed,
    CancelOrders,
    ClaimFailed,
    ClaimHoldings,
    ClientFailed,
    ClientReady,
    HeartbeatAnswered,
    HeartbeatFailed,
    HoldingsClaimed,
    OpenClient,
    PostOrder,
    PostRefused,
    PostUnclear,
    ReadAccount,
    SendHeartbeat,
    SigningFailed,
    SignOrder,
    SubscribeUser,
)
from actors.execution.real.venue_rules import read_answer
from actors.feeds.connection import SendText
from simulation.exchange.mishaps import Lost, NotSent, Passage
from simulation.exchange.order_side import OrderSide
from simulation.exchange.ports import SimulatedWebSocket, Wire
from simulation.exchange.signing import WALLET
from simulation.live.reading import AccountReading
from simulation.simulated_actor import SimulatedActor
from venue.ordering.admission import RequestRefused
from venue.ordering.desk import OrderRefused
from venue.ordering.keys import HeartbeatMismatch
from venue.ordering.wallets import WalletRefused
from venue.wire.orders import BUY, Cancellation, decode_order, placement_body

_SIGNING_MS = 3
_MINED_MS = 3_000

Fail = Callable[[Exception], object]
"""Makes the event that reports a failure."""


class SimulatedVenuePort(SimulatedWebSocket):
    """One executor's requests, and its user channel."""

    def __init__(self, wire: Wire, actor: SimulatedActor) -> None:
        super().__init__(wire, actor)
        side = wire.exchange.order_side
        if side is None:
            raise AssertionError("the exchange accepts no orders")
        self._side: OrderSide = side

    def perform(self, command: object) -> None:
        """Start a core's command."""
        match command:
            case OpenClient():
                self._ask_plainly(self._ready, lambda problem: ClientFailed(_reason(problem)))
            case SubscribeUser():
                super().perform(SendText(self._first_frame()))
            case SignOrder():
                self._after(_SIGNING_MS, self._sign, command)
            case PostOrder():
                self._post(command, self._side.mishaps.passage())
            case CancelOrders(ids):
                self._ask(partial(self._cancel, ids), partial(_not_cancelled, ids))
            case CancelAll():
                self._ask(self._cancel_all, partial(_not_cancelled, ()))
            case ReadAccount():
                AccountReading(self._side, self._wire.scheduler, self._actor, command).begin()
            case SendHeartbeat(heartbeat_id):
                do = partial(self._beat, heartbeat_id)
                self._ask_plainly(do, lambda problem: HeartbeatFailed(_reason(problem)))
            case ClaimHoldings():
                self._after(_MINED_MS, self._claim, command)
            case _:
                super().perform(command)

    def _after(self, delay_ms: int, call: Callable[..., None], *arguments: object) -> None:
        self._wire.scheduler.after(delay_ms, call, *arguments)

    # Requests

    def _ask_plainly(self, do: Callable[[], object], fail: Fail) -> None:
        """Send a request that does not concern an order."""
        self._travel(do, fail, self._side.mishaps.plain_passage())

    def _ask(self, do: Callable[[], object], fail: Fail) -> None:
        """Send a request that places or cancels orders.

        Args:
            do: carries it out at the venue and returns the event that answers it.
            fail: makes the event that reports an error.
        """
        self._travel(do, fail, self._side.mishaps.passage())

    def _travel(self, do: Callable[[], object], fail: Fail, passage: Passage) -> None:
        def arrive() -> None:
            event: object
            try:
                if passage.before is not None:
                    raise passage.before
                event = do()
                if passage.after is not None:
                    raise passage.after
            except (RequestRefused, Lost, NotSent) as problem:
                event = fail(problem)
            if passage.cut_ms is None:
                self._after(passage.back_ms, self._actor.take_event, event)

        self._after(passage.there_ms, arrive)
        if passage.cut_ms is not None:
            self._after(passage.cut_ms, self._actor.take_event, fail(Lost("it was cut off")))

    def _ready(self) -> object:
        return ClientReady(wallet=WALLET, owner=self._side.api_key.key)

    def _first_frame(self) -> str:
        key = self._side.api_key
        auth = {"apiKey": key.key, "secret": key.secret, "passphrase": key.passphrase}
        return json.dumps({"type": "user", "auth": auth})

    # Orders

    def _sign(self, command: SignOrder) -> None:
        """Sign in the executor's own process: if that has crashed, nothing is signed."""
        if self._actor.is_gone:
            return
        if self._side.mishaps.strikes("reset"):
            reason = "its market cannot be read: refused"
            order_id = command.order_id
            event: object = SigningFailed(order_id=order_id, reason=reason, may_retry=True)
        else:
            event = self._side.sign(command, self._actor.now_ms)
        self._actor.take_event(event)

    def _post(self, command: PostOrder, passage: Passage) -> None:
        order_id, on_their_way = command.order_id, self._side.on_their_way
        if passage.before is None:
            on_their_way[order_id] += 1
            self._after(passage.there_ms, on_their_way.subtract, (order_id,))
        self._travel(partial(self._place, command), partial(_not_posted, order_id), passage)

    def _place(self, command: PostOrder) -> object:
        side = self._side
        if command.refreshed_token:
            side.desk.books.refresh_shares(WALLET)
        posted = decode_order(command.payload.encode())
        side.entry.admit_order(side.now_ms, is_post_only=posted.post_only)
        if side.mishaps.strikes("slips"):
            side.slip(posted.order.token_id, is_buy=posted.order.side == BUY)
        try:
            placement = side.desk.place(side.api_key, posted, side.now_ms)
        except OrderRefused as refused:
            raise RequestRefused(400, str(refused)) from None
        return read_answer(command.order_id, placement_body(placement))

    def _cancel(self, venue_order_ids: tuple[str, ...]) -> CancelAnswered:
        side = self._side
        side.entry.admit_cancel(side.now_ms)
        taken = venue_order_ids
        if len(taken) > 1 and side.mishaps.strikes("partial_cancels"):
            taken = taken[:1]
        done = side.desk.cancel(WALLET, taken, side.now_ms)
        left = tuple((each, "the order could not be canceled") for each in venue_order_ids)
        not_canceled = done.not_canceled + left[len(taken) :]
        return _answered(Cancellation(done.canceled, not_canceled), venue_order_ids)

    def _cancel_all(self) -> CancelAnswered:
        side = self._side
        side.entry.admit_cancel(side.now_ms)
        return _answered(side.desk.cancel_matching(WALLET, side.now_ms), ())

    # Other requests

    def _beat(self, heartbeat_id: str) -> object:
        side = self._side
        try:
            next_id = side.service.heartbeats.beat(side.api_key.key, heartbeat_id, side.now_ms)
        except HeartbeatMismatch as mismatch:
            return HeartbeatFailed("Invalid Heartbeat ID", mismatch.expected_id)
        return HeartbeatAnswered(next_id)

    def _claim(self, command: ClaimHoldings) -> None:
        """Merge pairs; shares to be redeemed were paid out when the window was resolved."""
        side, market_id = self._side, command.market_id
        reason = ""
        market = side.service.catalogue.with_condition(market_id)
        if side.mishaps.strikes("reverted_transaction"):
            reason = "the transaction was reverted"
        elif command.pairs_units:
            try:
                side.service.wallets.merge(WALLET, market_id, command.pairs_units)
            except WalletRefused as refused:
                reason = str(refused)
        elif market is not None and market.status.resolved_at_ms is None:
            reason = "result for condition not received yet"
        failed = ClaimFailed(market_id=market_id, reason=reason)
        self._actor.take_event(failed if reason else HoldingsClaimed(market_id))


def _reason(problem: Exception) -> str:
    return problem.error if isinstance(problem, RequestRefused) else str(problem)


def _retry_after_ms(problem: Exception) -> int | None:
    retry_after_s = problem.retry_after_s if isinstance(problem, RequestRefused) else None
    return None if retry_after_s is None else retry_after_s * 1_000


def _not_posted(order_id: str, problem: Exception) -> object:
    reason = _reason(problem)
    if isinstance(problem, Lost):
        return PostUnclear(order_id=order_id, reason=reason)
    if not isinstance(problem, RequestRefused):
        return PostRefused(order_id=order_id, status=0, text=reason)
    return PostRefused(
        order_id=order_id,
        status=problem.status,
        text=reason,
        code=problem.code,
        retry_after_ms=_retry_after_ms(problem),
    )


def _answered(done: Cancellation, asked: tuple[str, ...]) -> CancelAnswered:
    return CancelAnswered(
        venue_order_ids=asked, canceled=done.canceled, not_canceled=done.not_canceled
    )


def _not_cancelled(asked: tuple[str, ...], problem: Exception) -> CancelFailed:
    return CancelFailed(
        venue_order_ids=asked, reason=_reason(problem), retry_after_ms=_retry_after_ms(problem)
    )
