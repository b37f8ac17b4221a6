"""Invariants of real orders at every step: of what is signed, posted and concluded."""

from __future__ import annotations

from actors.core import Record
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import (
    AccountRead,
    PostAnswered,
    PostOrder,
    ReadAccount,
    SignOrder,
)
from actors.execution.real.orders import AbsenceTold, CancelTold, TradeSeen, VenueSaid
from actors.execution.real.user_channel import Settlement
from actors.messages.execution import OrderStatus
from actors.messages.halts import EXECUTOR_CHECKS, CancelEverything, HaltTrading
from actors.messages.lifecycle import JournalFailed, Started
from actors.messages.position import PositionSnapshot
from actors.roles import EXECUTOR
from simulation.invariants.invariant import (
    ANYTHING,
    Actor,
    Invariant,
    commanded,
    heard,
    recorded,
    said,
)
from simulation.live.evidence import LiveEvidence

_EVIDENCE = (TradeSeen, VenueSaid, CancelTold, AbsenceTold, PostAnswered)
"""Events that may end an order with an unknown outcome."""


class LiveInvariant(Invariant):
    """An invariant that uses the exchange's own books."""

    @property
    def evidence(self) -> LiveEvidence:
        """The exchange's books, and the executor's."""
        evidence = self.facts.evidence
        if not isinstance(evidence, LiveEvidence):
            raise TypeError(f"{evidence!r} knows no exchange")
        return evidence

    def row(self, order_id: str) -> LiveOrder:
        """Return the executor's record of an order."""
        live = self.evidence.rows.get(order_id)
        if live is None:
            raise self.breach(f"{order_id} has no record with the executor")
        return live


class BytesRecorded(LiveInvariant):
    """Bytes are sent only once they, and their sending, are recorded."""

    number = 3

    @commanded(PostOrder)
    def check(self, _actor: Actor, command: PostOrder) -> None:
        """Compare with the record."""
        live = self.row(command.order_id)
        is_recorded = live.payload == command.payload and live.posted_at_ms > 0
        self.require(is_recorded, "{} leaves, recorded is {!r}", command.order_id, live)


class SignedOnce(LiveInvariant):
    """An order is signed once, posted only in those bytes, and is one order at the venue."""

    number = 4

    def forget(self) -> None:
        """Forget everything."""
        self._posted: dict[str, str] = {}

    @commanded(SignOrder)
    def check_signing(self, actor: Actor, command: SignOrder) -> None:
        """Check that nothing was ever signed for it."""
        signed = self.evidence.side.signatures.get(command.order_id)
        self.require(
            not signed, "{} signs {} again, after {}", actor.role, command.order_id, signed
        )

    @commanded(PostOrder)
    def check_posting(self, actor: Actor, command: PostOrder) -> None:
        """Check for the same bytes, and no second order at the venue."""
        order_id = command.order_id
        known = self._posted.setdefault(order_id, command.payload)
        self.require(known == command.payload, "{} posts other bytes for {}", actor.role, order_id)
        taken = self.evidence.side.records_of(order_id)
        self.require(len(taken) < 2, "{} is several orders at the venue: {}", order_id, taken)


class EndsOnEvidence(LiveInvariant):
    """What the executor records of an order is true at the exchange, and stays true."""

    number = 5

    @recorded(ANYTHING)
    def check(self, _actor: Actor, record: Record) -> None:
        """Check each order in the record."""
        for save in record.saves:
            if isinstance(save.value, LiveOrder):
                before = self.evidence.rows.get(save.key)
                self._check_trades(save.value)
                if before is not None and before.is_final:
                    self.require(
                        save.value.status is before.status,
                        "{} was {} and is {}",
                        save.key,
                        before.status.value,
                        save.value.status.value,
                    )
                elif save.value.is_final:
                    self._check_end(before, save.value, record.event)

    def _check_trades(self, live: LiveOrder) -> None:
        order_id = live.order_id
        fills, failed = self.evidence.fills(order_id), self.evidence.failed(order_id)
        for trade in live.trades:
            trade_id = trade.fill.trade_id
            self.require(
                fills.get(trade_id) == trade.fill,
                "{} has recorded {!r}, at the venue it is {!r}",
                order_id,
                trade.fill,
                fills.get(trade_id),
            )
            has_failed = trade.settlement is Settlement.FAILED
            self.require(
                not has_failed or trade_id in failed, "{} of {} stands", trade_id, order_id
            )

    def _check_end(self, before: LiveOrder | None, after: LiveOrder, event: object) -> None:
        order_id, side = after.order_id, self.evidence.side
        if before is not None and before.status is OrderStatus.UNKNOWN:
            self.require(
                isinstance(event, _EVIDENCE), "{} was unknown and ends on {!r}", order_id, event
            )
        on_their_way = side.on_their_way[order_id]
        self.require(not on_their_way, "{} ends, and is on its way: {!r}", order_id, after)
        for taken in side.records_of(order_id):
            is_same = not taken.is_open and taken.filled_units == after.traded_units
            self.require(
                is_same and after.status is not OrderStatus.REJECTED,
                "{} ends as {!r}, the venue has {!r}",
                order_id,
                after,
                taken,
            )


class PostsWhatItMay(LiveInvariant):
    """Orders are sent only after the account was read and agreed on, and not after a halt."""

    number = 7

    def forget(self) -> None:
        """Forget everything."""
        self._asked: dict[tuple[int, int], tuple[str, ...]] = {}
        self._read: set[tuple[int, str]] = set()
        self._agreed: set[tuple[int, str]] = set()
        self._halted: set[int] = set()
        self._taken_back: set[tuple[int, str]] = set()
        self._requests: set[tuple[int, CancelEverything]] = set()

    @commanded(ReadAccount)
    def note_question(self, actor: Actor, command: ReadAccount) -> None:
        """Note that the executor starts a reading."""
        self._asked[actor.generation, command.read_id] = command.market_ids

    @heard(AccountRead)
    def note_reading(self, actor: Actor, event: AccountRead) -> None:
        """Note that the executor gets a reading."""
        markets = self._asked.get((actor.generation, event.read_id), ())
        self._read.update((actor.generation, market_id) for market_id in markets)

    @heard(PositionSnapshot)
    def note_position(self, actor: Actor, message: PositionSnapshot) -> None:
        """Note that the executor gets the ledger's position; it counts only after a reading."""
        key = (actor.generation, message.market_id)
        if actor.role == EXECUTOR and key in self._read:
            self._agreed.add(key)

    @said(HaltTrading)
    def note_own_halt(self, actor: Actor, message: HaltTrading) -> None:
        """Note that the executor halts because of the account."""
        if actor.role == EXECUTOR and message.who == EXECUTOR_CHECKS:
            self._halted.add(actor.generation)

    @heard(JournalFailed)
    def note_failure(self, actor: Actor, _message: JournalFailed) -> None:
        """Note that nothing can be recorded."""
        if actor.role == EXECUTOR:
            self._halted.add(actor.generation)

    @heard(CancelEverything)
    def note_taken_back(self, actor: Actor, message: CancelEverything) -> None:
        """Note that all orders are to be cancelled; a repetition adds none."""
        request = (actor.generation, message)
        if actor.role == EXECUTOR and request not in self._requests:
            self._requests.add(request)
            self._taken_back.update(
                (actor.generation, order_id)
                for order_id, live in self.evidence.rows.items()
                if not live.is_final
            )

    @commanded(SignOrder, PostOrder)
    def check(self, actor: Actor, command: SignOrder | PostOrder) -> None:
        """Check what is known, and the time."""
        order_id, generation = command.order_id, actor.generation
        live = self.row(order_id)
        market = live.intent.market
        self.require(
            (generation, market.market_id) in self._agreed,
            "{} leaves before the account of {} was read and agreed on",
            order_id,
            market.slug,
        )
        self.require(generation not in self._halted, "{} leaves after a halt", order_id)
        is_taken_back = live.cancel_reason or (generation, order_id) in self._taken_back
        self.require(not is_taken_back, "{} leaves after it was taken back", order_id)
        self.require(
            actor.now_ms < live.intent.expires_at_ms, "{} leaves after its time to live", order_id
        )


class RecoversLiveOrders(LiveInvariant):
    """A new executor gets every real order that is recorded and open."""

    number = 9

    @heard(Started)
    def check(self, actor: Actor, message: Started) -> None:
        """Compare with the record."""
        if actor.role == EXECUTOR:
            given = {each.order_id: each for each in message.saved if isinstance(each, LiveOrder)}
            expected = {each: self.evidence.rows[each] for each in self.evidence.open_ids}
            self.require(
                given == expected,
                "{} restarts with {}, recorded is {}",
                actor.role,
                given,
                expected,
            )


LIVE_INVARIANTS: tuple[type[Invariant], ...] = (
    BytesRecorded,
    SignedOnce,
    EndsOnEvidence,
    PostsWhatItMay,
    RecoversLiveOrders,
)
"""What must hold at every step of a run with real orders, besides all the others."""
