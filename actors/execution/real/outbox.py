"""The outbox: each order is signed once, and always posted in exactly those bytes.

``posted_at_ms`` of an order is recorded before its bytes may leave. It is cleared only by an answer
which says that the order was not accepted. So after a restart it is known which orders may be at
the venue.

The next steps of each order (``PendingActions``) are not recorded: after a restart they follow from
the recorded orders.
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
"""Time within which the user channel reports an order that trades at once or waits in the venue's
delay; after that the venue is asked."""
RECHECK_MS = 1_000
"""How often the venue is asked again about an unresolved order."""
RETRY_MS = 1_000
LAG_RETRY_FIRST_MS = 500
LAG_RETRY_MAX_MS = 4_000

_FELL_UNSIGNED = "the executor crashed before it was recorded as signed; nothing was sent"
_FELL_POSTING = "the executor crashed while it was being posted"
TOO_LATE = "its time to live ended before it was sent"


@attrs.define
class PendingAction:
    """The scheduled actions of one order; times are venue time, None means not scheduled."""

    sign_at_ms: int | None = None
    post_at_ms: int | None = None
    cancel_at_ms: int | None = None
    ask_at_ms: int | None = None
    """The venue is asked about the order from then on, until it is resolved."""
    is_signing: bool = False
    is_posting: bool = False
    is_cancelling: bool = False
    absent_since_ms: int | None = None
    """Start of the first of the consecutive readings that did not find it."""
    absent_count: int = 0
    """Number of these readings."""
    missing_count: int = 0
    """Number of readings that lacked trades of it after its end was reported."""
    is_told_gone: bool = False
    """A cancel was answered that the order no longer exists. Then only the list of open orders can
    still show that it rests, not the order's own row."""
    ended_at_ms: int | None = None
    """When its end was noted here; an order that still rests long after must be cancelled."""
    lag_count: int = 0
    """How often the venue did not see the shares for it."""
    refreshed_token: str = ""
    last_refusal: str = ""

    def due_times(self) -> list[int]:
        """Return when its next actions are due."""
        times = (self.sign_at_ms, self.post_at_ms, self.cancel_at_ms)
        return [each for each in times if each is not None]

    def retry_lagging(self, token: str, refusal: str, now_ms: int) -> None:
        """Post again after a delay, and make the venue refresh the balance first."""
        delay_ms = min(LAG_RETRY_MAX_MS, LAG_RETRY_FIRST_MS << min(self.lag_count, 8))
        self.lag_count += 1
        self.post_at_ms = now_ms + delay_ms
        self.refreshed_token = token
        self.last_refusal = refusal

    def clock_set_back(self, by_ms: int) -> None:
        """Shift all times back by as much as the clock was."""
        for field in attrs.fields(PendingAction):
            moment_ms = getattr(self, field.name)
            if field.name.endswith("_ms") and moment_ms is not None:
                setattr(self, field.name, moment_ms - by_ms)

    def ask(self, at_ms: int) -> None:
        """Ask the venue from this time on, or earlier if that was scheduled already."""
        self.ask_at_ms = at_ms if self.ask_at_ms is None else min(self.ask_at_ms, at_ms)

    def resolve(self) -> None:
        """Ask no more: the venue's last report resolved everything."""
        self.ask_at_ms = self.absent_since_ms = None


class PendingActions:
    """Every order's actions, and the holds set by rate limits and venue restarts."""

    def __init__(self) -> None:
        self._actions: dict[str, PendingAction] = {}
        self._ended: dict[str, PendingAction] = {}
        """Ended orders have no actions, so they are kept apart and not searched after every
        message."""
        self._posts_held_until_ms = 0
        self._cancels_held_until_ms = 0

    def of(self, order_id: str) -> PendingAction:
        """Return an order's actions."""
        return self._ended.get(order_id) or self._actions.setdefault(order_id, PendingAction())

    def end(self, order_id: str, now_ms: int) -> None:
        """Drop all actions of an ended order."""
        self._actions.pop(order_id, None)
        self._ended[order_id] = PendingAction(ended_at_ms=now_ms)

    def reactivate(self, order_id: str) -> None:
        """Reactivate an ended order that needs an action after all."""
        if order_id in self._ended:
            self._actions[order_id] = self._ended.pop(order_id)

    def drop(self, order_id: str) -> None:
        """Forget an order."""
        self._actions.pop(order_id, None)
        self._ended.pop(order_id, None)

    def __iter__(self) -> Iterator[tuple[str, PendingAction]]:
        """Iterate over (order id, actions) of the orders that may need something."""
        return iter(list(self._actions.items()))

    def clock_set_back(self, by_ms: int) -> None:
        """Shift all times back by as much as the clock was."""
        self._posts_held_until_ms -= by_ms
        self._cancels_held_until_ms -= by_ms
        for action in (*self._actions.values(), *self._ended.values()):
            action.clock_set_back(by_ms)

    def hold_posts(self, until_ms: int) -> None:
        """Post nothing before then."""
        self._posts_held_until_ms = max(self._posts_held_until_ms, until_ms)

    def hold_cancels(self, until_ms: int) -> None:
        """Cancel nothing before then."""
        self._cancels_held_until_ms = max(self._cancels_held_until_ms, until_ms)

    def may_cancel(self, now_ms: int) -> bool:
        """Return whether the venue accepts cancels, as far as is known."""
        return now_ms >= self._cancels_held_until_ms

    def may_post(self, now_ms: int) -> bool:
        """Return whether orders may be posted: no hold, and no cancel waiting for its own hold."""
        if not self.may_cancel(now_ms):
            waiting = (
                action for action in self._actions.values() if action.cancel_at_ms is not None
            )
            return next(waiting, None) is None and now_ms >= self._posts_held_until_ms
        return now_ms >= self._posts_held_until_ms

    def next_due_ms(self, now_ms: int) -> int | None:
        """Return when something is due next; overdue actions wait for a hold to end or for news."""
        times = [self._posts_held_until_ms, self._cancels_held_until_ms]
        times += [due_ms for action in self._actions.values() for due_ms in action.due_times()]
        return min((each for each in times if each > now_ms), default=None)


OutboxEvent = OrderSigned | SigningFailed | PostAnswered | PostRefused | PostUnclear


class Outbox:
    """Signs and posts the orders that are due, and handles the answers."""

    def __init__(self, orders: LiveOrders, pending: PendingActions, session: VenueSession) -> None:
        self._orders = orders
        self._pending = pending
        self._session = session

    def take(
        self, event: OutboxEvent, may_trade: Callable[[OrderIntent], bool], now_ms: int
    ) -> Effects:
        """Handle an event that answers one of this outbox's commands."""
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

    # Before an order is sent

    def sign(self, may_trade: Callable[[OrderIntent], bool], now_ms: int) -> Effects:
        """Sign new orders whose market may be traded."""
        effects: Effects = []
        for live, action in self._due("sign_at_ms", now_ms):
            if not action.is_signing and may_trade(live.intent):
                action.sign_at_ms, action.is_signing = None, True
                effects.append(Command(sign_order(live.intent)))
        return effects

    def _signed(
        self, event: OrderSigned, may_trade: Callable[[OrderIntent], bool], now_ms: int
    ) -> Effects:
        """Record the signed bytes, and post them at once unless something forbids it by now."""
        live = self._orders.get(event.order_id)
        if live is None or live.is_final or live.is_signed:
            return []
        action = self._pending.of(event.order_id)
        action.is_signing = False
        after = attrs.evolve(
            live,
            venue_order_id=event.venue_order_id,
            payload=event.payload,
            offered_units=event.offered_units,
        )
        is_in_time = now_ms < live.intent.expires_at_ms
        if not (is_in_time and self._pending.may_post(now_ms) and may_trade(live.intent)):
            action.post_at_ms = now_ms
            return self._orders.commit(after, event)
        posted = attrs.evolve(after, posted_at_ms=now_ms)
        return [*self._orders.commit(posted, event), self._post_command(posted, action)]

    def _not_signed(self, event: SigningFailed, now_ms: int) -> Effects:
        """Schedule another attempt, or reject the order; nothing was sent."""
        live = self._orders.get(event.order_id)
        if live is None or live.is_final or live.is_signed:
            return []
        action = self._pending.of(event.order_id)
        action.is_signing = False
        if event.may_retry:
            action.sign_at_ms = now_ms + RETRY_MS
            action.last_refusal = event.reason
            return []
        return self._end(live.refused(event.reason), event, now_ms)

    def post(self, may_trade: Callable[[OrderIntent], bool], now_ms: int) -> Effects:
        """Post the orders that are due and whose market may be traded."""
        effects: Effects = []
        for live, action in self._due("post_at_ms", now_ms):
            if action.is_posting or not self._pending.may_post(now_ms):
                continue
            if not may_trade(live.intent):
                continue
            action.post_at_ms = None
            if now_ms >= live.intent.expires_at_ms or live.cancel_reason:
                action.ask(now_ms)
                continue
            posted = attrs.evolve(live, posted_at_ms=now_ms)
            effects += self._orders.commit(posted, OrderPosted(live.order_id))
            effects.append(self._post_command(posted, action))
        return effects

    def withdraw_late(self, now_ms: int) -> Effects:
        """End the orders that expired before they could be at the venue."""
        effects: Effects = []
        for live in self._orders.working:
            if not live.posted_at_ms and now_ms >= live.intent.expires_at_ms:
                effects += self._withdraw(live, TOO_LATE, now_ms)
        return effects

    def resume(self, live: LiveOrder, now_ms: int) -> Effects:
        """Go on with a recorded order after a restart."""
        if live.is_final:
            self._pending.end(live.order_id, now_ms)
            return []
        if not live.is_signed:
            # The crashed process may have signed it; it is not signed a second time.
            return self._withdraw(live, _FELL_UNSIGNED, now_ms)
        action = self._pending.of(live.order_id)
        effects: Effects = []
        if not live.posted_at_ms:
            action.post_at_ms = now_ms
        elif live.status is OrderStatus.PENDING:
            unclear = PostUnclear(order_id=live.order_id, reason=_FELL_POSTING)
            effects = self._unclear(unclear, now_ms)
        else:
            action.ask(now_ms)
        if now_ms >= live.intent.market.closes_at_ms:
            over = CancelOrder(live.order_id, "the window is over")
            effects += self.cancel(self._orders.get(live.order_id) or live, over, now_ms)
        elif live.cancel_reason:
            action.cancel_at_ms = now_ms
        return effects

    def cancel(self, live: LiveOrder, message: CancelOrder, now_ms: int) -> Effects:
        """Cancel an unfinished order; one at the venue ends only when the venue says so."""
        if not live.posted_at_ms:
            return self._withdraw(live, message.reason, now_ms)
        action = self._pending.of(live.order_id)
        if action.cancel_at_ms is None and live.end is None:
            action.cancel_at_ms = now_ms
        reason = live.cancel_reason or message.reason
        return self._orders.commit(attrs.evolve(live, cancel_reason=reason), message)

    def _withdraw(self, live: LiveOrder, reason: str, now_ms: int) -> Effects:
        """End an order that cannot be at the venue; add what delayed it to the reason."""
        refusal = self._pending.of(live.order_id).last_refusal or self._session.trouble
        if refusal:
            reason = f"{reason}: {refusal}"
        withdrawn = OrderWithdrawn(live.order_id, reason)
        return self._end(live.withdrawn(reason), withdrawn, now_ms)

    # Answers to postings

    def _answered(self, event: PostAnswered, now_ms: int) -> Effects:
        """Note that the venue accepted it; its events tell whether it rests, trades or waits."""
        live, action = self._posted(event.order_id)
        if live is None:
            return []
        effects: Effects = []
        if event.venue_order_id != live.venue_order_id:
            effects.append(Log("error", _other_id_sentence(live, event)))
            live = attrs.evolve(live, venue_order_id=event.venue_order_id)
        if event.status == "unmatched":
            # The documentation says both "placed" and "not matched": it may rest (F5).
            doubted = live.doubted("the venue answered unmatched and may hold it")
            action.ask(now_ms)
            return effects + self._orders.commit(doubted, event)
        is_resting = event.status == "live" and live.intent.time_in_force.may_rest
        if not is_resting:
            action.ask(now_ms + EVENTS_SOON_MS)
        return effects + self._orders.commit(live.held(), event)

    def _unclear(self, event: PostUnclear, now_ms: int) -> Effects:
        """Mark the outcome as unknown and ask the venue; nothing is assumed (F1, F2, F3)."""
        live, action = self._posted(event.order_id)
        if live is None:
            return []
        action.absent_since_ms = None
        action.ask(now_ms)
        return self._orders.commit(live.doubted(event.reason), event)

    def _refused(self, event: PostRefused, now_ms: int) -> Effects:
        """Apply an error by what it proves, and no more."""
        live, action = self._posted(event.order_id)
        if live is None:
            return []
        meaning = meaning_of(event)
        if meaning is Meaning.HELD:
            self._pending.hold_posts(now_ms + hold_ms(event))
        if live.is_doubtful or live.status is not OrderStatus.PENDING:
            return self._refused_again(live, action, meaning, event, now_ms)
        absent = attrs.evolve(live, posted_at_ms=0)
        match meaning:
            case Meaning.HELD:
                action.post_at_ms, action.last_refusal = now_ms, event.text
                return self._orders.commit(absent, event)
            case Meaning.LAGGING if live.intent.action is Action.SELL:
                token = live.intent.market.token(live.intent.side)
                action.retry_lagging(token, event.text, now_ms)
                return self._orders.commit(absent, event)
            case Meaning.REFUSED | Meaning.LAGGING:
                return self._end(absent.refused(event.text), event, now_ms)
            case Meaning.KILLED:
                return self._end(absent.withdrawn(event.text), event, now_ms)
        action.ask(now_ms)
        doubted = live.doubted(event.text)
        is_new_there = meaning is not Meaning.KNOWN
        return self._orders.commit(attrs.evolve(doubted, may_repost=is_new_there), event)

    def _refused_again(
        self,
        live: LiveOrder,
        action: PendingAction,
        meaning: Meaning,
        event: PostRefused,
        now_ms: int,
    ) -> Effects:
        """Ask the venue: a refusal of a later copy proves nothing about the first one."""
        action.absent_since_ms = None
        action.ask(now_ms)
        may_repost = live.may_repost and meaning is Meaning.HELD
        return self._orders.commit(attrs.evolve(live, may_repost=may_repost), event)

    # Helpers

    def _end(self, after: LiveOrder, event: object, now_ms: int) -> Effects:
        self._pending.end(after.order_id, now_ms)
        return self._orders.commit(after, event)

    def _due(self, what: str, now_ms: int) -> list[tuple[LiveOrder, PendingAction]]:
        due = []
        for order_id, action in self._pending:
            at_ms: int | None = getattr(action, what)
            live = self._orders.get(order_id)
            if at_ms is not None and at_ms <= now_ms and live is not None and not live.is_final:
                due.append((live, action))
        return due

    def _posted(self, order_id: str) -> tuple[LiveOrder | None, PendingAction]:
        """Return an order whose posting was just answered; None if it is unknown or final."""
        action = self._pending.of(order_id)
        action.is_posting = False
        live = self._orders.get(order_id)
        if live is None or live.is_final:
            return None, action
        if live.cancel_reason:
            action.cancel_at_ms = 0
        return live, action

    def _post_command(self, live: LiveOrder, action: PendingAction) -> Command:
        action.is_posting = True
        token, action.refreshed_token = action.refreshed_token, ""
        return Command(
            PostOrder(order_id=live.order_id, payload=live.payload, refreshed_token=token)
        )


def _other_id_sentence(live: LiveOrder, event: PostAnswered) -> str:
    return (
        f"the venue calls {live.order_id} {event.venue_order_id}, but its computed hash is "
        f"{live.venue_order_id}: the venue's id is used"
    )
