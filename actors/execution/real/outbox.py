"""Orders on their way to the venue: each is signed once, and posted in those bytes.

``posted_at_ms`` of an order is recorded before its bytes may leave, and taken back only by an
answer that says that they were not taken. So a restart knows which orders may be at the venue.

What is to be done next for each order (``PendingActions``) does not survive, and need not: after a
restart all of it follows again from what is recorded of the orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from actors.core import Command, Effects, Log
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import (
    OrderSigned,
    PostAnswered,
    PostOrder,
    PostRefused,
    PostUnclear,
    SigningFailed,
)
from actors.execution.real.orders import LiveOrders, OrderPosted, OrderWithdrawn
from actors.execution.real.venue_rules import Meaning, hold_ms, meaning_of, sign_order
from actors.execution.real.venue_session import VenueSession
from actors.messages.execution import CancelOrder, OrderIntent, OrderStatus
from actors.model import Action

EVENTS_SOON_MS = 1_500
"""An order that trades at once, or waits in the venue's delay, is told of on the user channel
within this; if not, the venue is asked."""
RECHECK_MS = 1_000
"""How often the venue is asked again about an order that is not clear."""
RETRY_MS = 1_000
LAG_RETRY_FIRST_MS = 500
LAG_RETRY_MAX_MS = 4_000

_FELL_UNSIGNED = "the executor fell before it was recorded as signed; nothing has left"
_FELL_POSTING = "the executor fell while it was being posted"
TOO_LATE = "its time to live was over before it left"


@attrs.define
class PendingAction:
    """What an order waits for; every time is venue time, None for not at all."""

    sign_at_ms: int | None = None
    post_at_ms: int | None = None
    cancel_at_ms: int | None = None
    ask_at_ms: int | None = None
    """From then on the venue is asked about it, again and again, until it is clear."""
    is_signing: bool = False
    is_posting: bool = False
    is_cancelling: bool = False
    absent_since_ms: int | None = None
    """Start of the first of the reads that, one after the other, did not find it."""
    absent_count: int = 0
    """How many these are."""
    missing_count: int = 0
    """How many readings lacked trades of it after its end was told."""
    is_told_gone: bool = False
    """A cancel was answered that it is no longer there: only the list of open orders, and no row
    of its own, can still say that it rests."""
    ended_at_ms: int | None = None
    """When its end was noted here; an order that still rests long after must be cancelled."""
    lag_count: int = 0
    """How often the venue did not see the shares for it."""
    refreshed_token: str = ""
    last_refusal: str = ""

    def due_times(self) -> list[int]:
        """When it has its next turns."""
        times = (self.sign_at_ms, self.post_at_ms, self.cancel_at_ms)
        return [each for each in times if each is not None]

    def retry_lagging(self, token: str, refusal: str, now_ms: int) -> None:
        """Post again in a while, and have the venue look the balance up before."""
        delay_ms = min(LAG_RETRY_MAX_MS, LAG_RETRY_FIRST_MS << min(self.lag_count, 8))
        self.lag_count += 1
        self.post_at_ms = now_ms + delay_ms
        self.refreshed_token = token
        self.last_refusal = refusal

    def clock_set_back(self, by_ms: int) -> None:
        """Everything is due as soon as it would have been, and has lasted as long."""
        for field in attrs.fields(PendingAction):
            moment_ms = getattr(self, field.name)
            if field.name.endswith("_ms") and moment_ms is not None:
                setattr(self, field.name, moment_ms - by_ms)

    def ask(self, at_ms: int) -> None:
        """Ask the venue from then on, or from an earlier time that was set already."""
        self.ask_at_ms = at_ms if self.ask_at_ms is None else min(self.ask_at_ms, at_ms)

    def is_clear(self) -> None:
        """The venue's last word leaves nothing to ask."""
        self.ask_at_ms = self.absent_since_ms = None


class PendingActions:
    """Every order's work, and what the venue's rate limits and restarts hold back."""

    def __init__(self) -> None:
        self._work: dict[str, PendingAction] = {}
        self._ended: dict[str, PendingAction] = {}
        """Of orders that are over: nothing to do, and so not looked through after every message."""
        self._posts_held_until_ms = 0
        self._cancels_held_until_ms = 0

    def of(self, order_id: str) -> PendingAction:
        """An order's work."""
        return self._ended.get(order_id) or self._work.setdefault(order_id, PendingAction())

    def end(self, order_id: str, now_ms: int) -> None:
        """Nothing is left to do for an order that is over."""
        self._work.pop(order_id, None)
        self._ended[order_id] = PendingAction(ended_at_ms=now_ms)

    def take_up(self, order_id: str) -> None:
        """There is something to do for an order after all, though it is over."""
        if order_id in self._ended:
            self._work[order_id] = self._ended.pop(order_id)

    def drop(self, order_id: str) -> None:
        """Forget an order."""
        self._work.pop(order_id, None)
        self._ended.pop(order_id, None)

    def __iter__(self) -> Iterator[tuple[str, PendingAction]]:
        """What may have to be done, by order."""
        return iter(list(self._work.items()))

    def clock_set_back(self, by_ms: int) -> None:
        """Everything is due as soon as it would have been."""
        self._posts_held_until_ms -= by_ms
        self._cancels_held_until_ms -= by_ms
        for work in (*self._work.values(), *self._ended.values()):
            work.clock_set_back(by_ms)

    def hold_posts(self, until_ms: int) -> None:
        """Post nothing before then."""
        self._posts_held_until_ms = max(self._posts_held_until_ms, until_ms)

    def hold_cancels(self, until_ms: int) -> None:
        """Cancel nothing before then."""
        self._cancels_held_until_ms = max(self._cancels_held_until_ms, until_ms)

    def may_cancel(self, now_ms: int) -> bool:
        """Whether the venue takes cancels, as far as it said."""
        return now_ms >= self._cancels_held_until_ms

    def may_post(self, now_ms: int) -> bool:
        """Whether orders may be posted: no hold, and no cancel that has to wait for its own."""
        if not self.may_cancel(now_ms):
            waiting = (work for work in self._work.values() if work.cancel_at_ms is not None)
            return next(waiting, None) is None and now_ms >= self._posts_held_until_ms
        return now_ms >= self._posts_held_until_ms

    def next_due_ms(self, now_ms: int) -> int | None:
        """When something is due next; what is due already waits for a hold to end, or for news."""
        times = [self._posts_held_until_ms, self._cancels_held_until_ms]
        times += [due_ms for work in self._work.values() for due_ms in work.due_times()]
        return min((each for each in times if each > now_ms), default=None)


OutboxEvent = OrderSigned | SigningFailed | PostAnswered | PostRefused | PostUnclear


class Outbox:
    """Signs and posts what is due, and takes the answers in."""

    def __init__(self, orders: LiveOrders, pending: PendingActions, access: VenueSession) -> None:
        self._orders = orders
        self._pending = pending
        self._session = access

    def take(
        self, event: OutboxEvent, may_trade: Callable[[OrderIntent], bool], now_ms: int
    ) -> Effects:
        """Take in what the port says of a command of this outbox."""
        match event:
            case OrderSigned():
                return self._signed(event, may_trade, now_ms)
            case SigningFailed():
                return self._not_signed(event, now_ms)
            case PostAnswered():
                return self._answered(event, now_ms)
            case PostRefused():
                return self._refused(event, now_ms)
            case PostUnclear():
                return self._unclear(event, now_ms)

    # Before an order leaves

    def sign(self, may_trade: Callable[[OrderIntent], bool], now_ms: int) -> Effects:
        """Have new orders signed whose market may be traded."""
        effects: Effects = []
        for live, work in self._due("sign_at_ms", now_ms):
            if not work.is_signing and may_trade(live.intent):
                work.sign_at_ms, work.is_signing = None, True
                effects.append(Command(sign_order(live.intent)))
        return effects

    def _signed(
        self, event: OrderSigned, may_trade: Callable[[OrderIntent], bool], now_ms: int
    ) -> Effects:
        """Record the bytes; if nothing speaks against it by now, they leave right after."""
        live = self._orders.get(event.order_id)
        if live is None or live.is_final or live.is_signed:
            return []
        work = self._pending.of(event.order_id)
        work.is_signing = False
        after = attrs.evolve(
            live,
            venue_order_id=event.venue_order_id,
            payload=event.payload,
            offered_units=event.offered_units,
        )
        is_in_time = now_ms < live.intent.expires_at_ms
        if not (is_in_time and self._pending.may_post(now_ms) and may_trade(live.intent)):
            work.post_at_ms = now_ms
            return self._orders.commit(after, event)
        posted = attrs.evolve(after, posted_at_ms=now_ms)
        return [*self._orders.commit(posted, event), self._post_command(posted, work)]

    def _not_signed(self, event: SigningFailed, now_ms: int) -> Effects:
        """Try again, or give the order up; nothing of it has left."""
        live = self._orders.get(event.order_id)
        if live is None or live.is_final or live.is_signed:
            return []
        work = self._pending.of(event.order_id)
        work.is_signing = False
        if event.may_retry:
            work.sign_at_ms = now_ms + RETRY_MS
            work.last_refusal = event.reason
            return []
        return self._end(live.refused(event.reason), event, now_ms)

    def post(self, may_trade: Callable[[OrderIntent], bool], now_ms: int) -> Effects:
        """Let the bytes leave that are due and whose market may be traded."""
        effects: Effects = []
        for live, work in self._due("post_at_ms", now_ms):
            if work.is_posting or not self._pending.may_post(now_ms):
                continue
            if not may_trade(live.intent):
                continue
            work.post_at_ms = None
            if now_ms >= live.intent.expires_at_ms or live.cancel_reason:
                work.ask(now_ms)
                continue
            posted = attrs.evolve(live, posted_at_ms=now_ms)
            effects += self._orders.commit(posted, OrderPosted(live.order_id))
            effects.append(self._post_command(posted, work))
        return effects

    def withdraw_late(self, now_ms: int) -> Effects:
        """End the orders whose time is over before any of them could be at the venue."""
        effects: Effects = []
        for live in self._orders.working:
            if not live.posted_at_ms and now_ms >= live.intent.expires_at_ms:
                effects += self._withdraw(live, TOO_LATE, now_ms)
        return effects

    def resume(self, live: LiveOrder, now_ms: int) -> Effects:
        """Go on with a recorded order after a restart, from its record alone."""
        if live.is_final:
            self._pending.end(live.order_id, now_ms)
            return []
        if not live.is_signed:
            # It may have been signed by the process that fell; it is not signed a second time.
            return self._withdraw(live, _FELL_UNSIGNED, now_ms)
        work = self._pending.of(live.order_id)
        effects: Effects = []
        if not live.posted_at_ms:
            work.post_at_ms = now_ms
        elif live.status is OrderStatus.PENDING:
            unclear = PostUnclear(order_id=live.order_id, reason=_FELL_POSTING)
            effects = self._unclear(unclear, now_ms)
        else:
            work.ask(now_ms)
        if now_ms >= live.intent.market.closes_at_ms:
            over = CancelOrder(live.order_id, "the window is over")
            effects += self.take_back(self._orders.get(live.order_id) or live, over, now_ms)
        elif live.cancel_reason:
            work.cancel_at_ms = now_ms
        return effects

    def take_back(self, live: LiveOrder, message: CancelOrder, now_ms: int) -> Effects:
        """End an order that is not over; what may be at the venue ends by the venue's word only."""
        if not live.posted_at_ms:
            return self._withdraw(live, message.reason, now_ms)
        work = self._pending.of(live.order_id)
        if work.cancel_at_ms is None and live.end is None:
            work.cancel_at_ms = now_ms
        reason = live.cancel_reason or message.reason
        return self._orders.commit(attrs.evolve(live, cancel_reason=reason), message)

    def _withdraw(self, live: LiveOrder, reason: str, now_ms: int) -> Effects:
        """End an order that cannot be at the venue; say what kept it here, if anything did."""
        refusal = self._pending.of(live.order_id).last_refusal or self._session.trouble
        if refusal:
            reason = f"{reason}: {refusal}"
        withdrawn = OrderWithdrawn(live.order_id, reason)
        return self._end(live.withdrawn(reason), withdrawn, now_ms)

    # What a posting is answered

    def _answered(self, event: PostAnswered, now_ms: int) -> Effects:
        """The venue took it; whether it rests, trades or waits, its events tell."""
        live, work = self._posted(event.order_id)
        if live is None:
            return []
        effects: Effects = []
        if event.venue_order_id != live.venue_order_id:
            effects.append(Log("error", _other_id_sentence(live, event)))
            live = attrs.evolve(live, venue_order_id=event.venue_order_id)
        if event.status == "unmatched":
            # The venue's pages say both "placed" and "not matched": it may rest (F5).
            doubted = live.doubted("the venue answered unmatched, and may hold it")
            work.ask(now_ms)
            return effects + self._orders.commit(doubted, event)
        is_resting = event.status == "live" and live.intent.time_in_force.may_rest
        if not is_resting:
            work.ask(now_ms + EVENTS_SOON_MS)
        return effects + self._orders.commit(live.held(), event)

    def _unclear(self, event: PostUnclear, now_ms: int) -> Effects:
        """It may be there or not; the venue is asked, and nothing is assumed (F1, F2, F3)."""
        live, work = self._posted(event.order_id)
        if live is None:
            return []
        work.absent_since_ms = None
        work.ask(now_ms)
        return self._orders.commit(live.doubted(event.reason), event)

    def _refused(self, event: PostRefused, now_ms: int) -> Effects:
        """Take an error for what it proves, and for no more."""
        live, work = self._posted(event.order_id)
        if live is None:
            return []
        meaning = meaning_of(event)
        if meaning is Meaning.HELD:
            self._pending.hold_posts(now_ms + hold_ms(event))
        if live.is_doubtful or live.status is not OrderStatus.PENDING:
            return self._refused_again(live, work, meaning, event, now_ms)
        absent = attrs.evolve(live, posted_at_ms=0)
        match meaning:
            case Meaning.HELD:
                work.post_at_ms, work.last_refusal = now_ms, event.text
                return self._orders.commit(absent, event)
            case Meaning.LAGGING if live.intent.action is Action.SELL:
                token = live.intent.market.token(live.intent.side)
                work.retry_lagging(token, event.text, now_ms)
                return self._orders.commit(absent, event)
            case Meaning.REFUSED | Meaning.LAGGING:
                return self._end(absent.refused(event.text), event, now_ms)
            case Meaning.KILLED:
                return self._end(absent.withdrawn(event.text), event, now_ms)
        work.ask(now_ms)
        doubted = live.doubted(event.text)
        is_new_there = meaning is not Meaning.KNOWN
        return self._orders.commit(attrs.evolve(doubted, may_repost=is_new_there), event)

    def _refused_again(
        self,
        live: LiveOrder,
        work: PendingAction,
        meaning: Meaning,
        event: PostRefused,
        now_ms: int,
    ) -> Effects:
        """A refusal of a later copy says nothing of the first one: only reading does."""
        work.absent_since_ms = None
        work.ask(now_ms)
        may_repost = live.may_repost and meaning is Meaning.HELD
        return self._orders.commit(attrs.evolve(live, may_repost=may_repost), event)

    # Small things

    def _end(self, after: LiveOrder, event: object, now_ms: int) -> Effects:
        self._pending.end(after.order_id, now_ms)
        return self._orders.commit(after, event)

    def _due(self, what: str, now_ms: int) -> list[tuple[LiveOrder, PendingAction]]:
        due = []
        for order_id, work in self._pending:
            at_ms: int | None = getattr(work, what)
            live = self._orders.get(order_id)
            if at_ms is not None and at_ms <= now_ms and live is not None and not live.is_final:
                due.append((live, work))
        return due

    def _posted(self, order_id: str) -> tuple[LiveOrder | None, PendingAction]:
        """An order whose posting is answered now."""
        work = self._pending.of(order_id)
        work.is_posting = False
        live = self._orders.get(order_id)
        if live is None or live.is_final:
            return None, work
        if live.cancel_reason:
            work.cancel_at_ms = 0
        return live, work

    def _post_command(self, live: LiveOrder, work: PendingAction) -> Command:
        work.is_posting = True
        token, work.refreshed_token = work.refreshed_token, ""
        return Command(
            PostOrder(order_id=live.order_id, payload=live.payload, refreshed_token=token)
        )


def _other_id_sentence(live: LiveOrder, event: PostAnswered) -> str:
    return (
        f"the venue calls {live.order_id} {event.venue_order_id}, its hash was computed as "
        f"{live.venue_order_id}: the venue's id is used"
    )
