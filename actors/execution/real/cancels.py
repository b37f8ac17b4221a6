"""Cancels: of single orders, of the account at a halt, and of everything when recording fails.

The executor cancels each of its own orders by id until the order's end is known, also at a halt.
The account-wide cancel (``cancel_all_on_halt``) is for all other orders, which this system does not
track. It is repeated until the venue has confirmed it once for each halt.

When nothing can be recorded, orders can no longer be tracked and must not rest at the venue. A
cancel needs no record: repeating it is harmless, and it only reduces risk. So everything that may
be at the venue is cancelled, repeatedly, until the venue has confirmed each order or the process
ends.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.core import CancelTimer, Command, Effects, Log, Send, SetTimer
from actors.execution.real.lasting_problem import LastingProblem
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import (
    CancelAll,
    CancelAnswered,
    CancelEvent,
    CancelFailed,
    CancelOrders,
    ClientFailed,
    ClientReady,
    OpenClient,
)
from actors.execution.real.orders import CancelTold, LiveOrders
from actors.execution.real.outbox import RETRY_MS, PendingAction, PendingActions
from actors.execution.real.venue_rules import is_already_gone, is_cancel_early
from actors.messages.halts import CancelEverything, EverythingCancelled
from actors.messages.lifecycle import JournalFailed, TimerFired
from actors.roles import DESK
from actors.settings import ExecutionSettings

CANCEL_HOLD_MAX_MS = 10_000
"""Longest wait before a cancel is repeated, however long the venue asks to wait."""
CANCELS_MAX = 1_000
"""Most orders that one cancel request may name. Source: the venue's change log, 2026-06-15."""

_EARLY_CANCEL_AGAIN_MS = 300
_CANCEL_AGAIN_MS = 2_000


class OrderCancels:
    """Cancels single orders by their venue order ids."""

    def __init__(self, orders: LiveOrders, pending: PendingActions) -> None:
        self._orders = orders
        self._pending = pending
        self._problem = LastingProblem()

    def send_due(self, now_ms: int) -> Effects:
        """Send the cancels that are due, batched into few requests."""
        if not self._pending.may_cancel(now_ms):
            return []
        ids = []
        for order_id, action in self._pending:
            live = self._orders.get(order_id)
            is_due = action.cancel_at_ms is not None and action.cancel_at_ms <= now_ms
            if live is None or not is_due or action.is_cancelling or action.is_posting:
                continue
            action.cancel_at_ms, action.is_cancelling = None, True
            ids.append(live.venue_order_id)
        return _cancel_commands(ids)

    def take(self, event: CancelEvent, now_ms: int) -> Effects:
        """Handle the port's answer to a cancel request."""
        if isinstance(event, CancelAnswered):
            return self._cancelled(event, now_ms)
        return self._cancel_failed(event, now_ms)

    def _cancelled(self, event: CancelAnswered, now_ms: int) -> Effects:
        """End the orders that were cancelled; schedule the others by the venue's reason."""
        effects = self._problem.over("the venue answers cancels again")
        for live, action in self._cancelling(event.venue_order_ids):
            action.is_cancelling = False
            if not live.is_final:
                action.cancel_at_ms = now_ms + _CANCEL_AGAIN_MS
        for live, action in self._cancelling(each.lower() for each in event.canceled):
            if not live.is_final:
                action.cancel_at_ms = None
                action.ask(now_ms)
                ended = live.ended(live.cancel_reason or "cancelled", None, now_ms)
                effects += self._orders.commit(ended, CancelTold(live.order_id))
        for venue_order_id, reason in event.not_canceled:
            self._not_cancelled(venue_order_id.lower(), reason, now_ms)
        return effects

    def _not_cancelled(self, venue_order_id: str, reason: str, now_ms: int) -> None:
        live = self._orders.at_venue(venue_order_id)
        if live is None or live.is_final:
            return
        action = self._pending.of(live.order_id)
        is_early = is_cancel_early(reason)
        action.cancel_at_ms = now_ms + (_EARLY_CANCEL_AGAIN_MS if is_early else _CANCEL_AGAIN_MS)
        if not is_early:
            action.is_told_gone = is_already_gone(reason)
            action.ask(now_ms)

    def _cancel_failed(self, event: CancelFailed, now_ms: int) -> Effects:
        """Schedule the cancel again; repeating a cancel is harmless."""
        wait_ms = _pause_ms(event)
        if event.retry_after_ms is not None:
            self._pending.hold_cancels(now_ms + wait_ms)
        for live, action in self._cancelling(event.venue_order_ids):
            action.is_cancelling = False
            if not live.is_final:
                action.cancel_at_ms = now_ms + wait_ms
        if event.is_unauthorized:
            return []
        return self._problem.met(f"a cancel got no answer and is repeated: {event.reason}")

    def _cancelling(self, venue_order_ids: Iterable[str]) -> list[tuple[LiveOrder, PendingAction]]:
        found = (self._orders.at_venue(each) for each in venue_order_ids)
        return [(live, self._pending.of(live.order_id)) for live in found if live is not None]


def _pause_ms(failed: CancelFailed) -> int:
    """Return how long to wait before the cancel is repeated."""
    return min(CANCEL_HOLD_MAX_MS, failed.retry_after_ms or RETRY_MS)


def _cancel_commands(ids: list[str]) -> Effects:
    return [
        Command(CancelOrders(tuple(ids[start : start + CANCELS_MAX])))
        for start in range(0, len(ids), CANCELS_MAX)
    ]


_LEFT_AGAIN_MS = 2_000
"""Wait before the account is cancelled again after the venue left an order."""


class AccountCancel:
    """The desk's newest request to cancel the whole account, and its progress."""

    def __init__(self, *, is_wide: bool) -> None:
        """Begin without a request.

        Args:
            is_wide: whether orders that this system did not place are cancelled as well.
        """
        self.due_at_ms = 0
        """Earliest time of the next account-wide cancel."""
        self._is_wide = is_wide
        self._wanted: CancelEverything | None = None
        self._under_way: CancelEverything | None = None
        """The request for which a cancel is in flight."""
        self._done: CancelEverything | None = None
        self._problem = LastingProblem()

    @property
    def is_wanted(self) -> bool:
        """Whether a confirmation is outstanding; an order posted now would be cancelled too."""
        return self._wanted is not None

    def clock_set_back(self, by_ms: int) -> None:
        """Shift the due time back by as much as the clock was."""
        self.due_at_ms -= by_ms

    def has_received(self, request: CancelEverything) -> bool:
        """Return whether this request has been received before."""
        return request in (self._wanted, self._done)

    def request(self, request: CancelEverything) -> Effects:
        """Accept a request; confirm at once if nothing is left to do for it."""
        if request == self._done or not self._is_wide:
            return self._confirm(request)
        self._wanted = request
        return []

    def send_if_due(self, pending: PendingActions, now_ms: int) -> Effects:
        """Cancel the account if a request is waiting and the venue accepts cancels."""
        if self._wanted is None or self._under_way is not None:
            return []
        if now_ms < self.due_at_ms or not pending.may_cancel(now_ms):
            return []
        self._under_way = self._wanted
        return [Command(CancelAll())]

    def take(self, event: object, now_ms: int) -> Effects:
        """Handle the port's answer to an account-wide cancel; ignore other events."""
        match event:
            case CancelFailed(venue_order_ids=()):
                self._under_way = None
                self.due_at_ms = now_ms + _pause_ms(event)
            case CancelAnswered(venue_order_ids=(), not_canceled=left):
                request, self._under_way = self._under_way, None
                if left:
                    self.due_at_ms = now_ms + _LEFT_AGAIN_MS
                    return self._problem.met(_left_sentence(left))
                self._problem.over()
                if request is not None:
                    return self._confirm(request)
        return []

    def _confirm(self, request: CancelEverything) -> Effects:
        self._done = request
        if self._wanted == request:
            self._wanted = None
        return [Send(DESK, EverythingCancelled(request.asked_at_ms))]


def _left_sentence(left: tuple[tuple[str, str], ...]) -> str:
    venue_order_id, reason = left[0]
    return (
        f"the venue left {len(left)} of the account's orders uncancelled; the cancel is repeated: "
        f"{venue_order_id}: {reason}"
    )


AGAIN_MS = 1_000
_AGAIN_TIMER = "take back"


def is_account_wide(settings: ExecutionSettings, failed: JournalFailed, role: str) -> bool:
    """Return whether orders that this system did not place are cancelled as well.

    An executor that cannot read which orders are its own cannot name them. It then cancels all
    orders of the account, unless unknown orders are to be left alone.

    Args:
        settings: the real executor's settings.
        failed: the journal failure that was reported.
        role: the executor's own role.
    """
    is_blind = failed.are_rows_lost and failed.role == role
    return settings.cancel_all_on_halt or (is_blind and settings.unknown_orders != "leave")


class EmergencyCancel:
    """Cancels every order that may rest at the venue; keeps no record and needs none."""

    def __init__(self, resting_ids: Iterable[str], *, has_client: bool, is_wide: bool) -> None:
        """Note which orders may be at the venue.

        Args:
            resting_ids: venue order ids of this system's orders that may rest there.
            has_client: whether there are credentials.
            is_wide: whether orders that this system did not place are cancelled as well.
        """
        self._left = set(resting_ids)
        self._has_client = has_client
        self._is_account_left = is_wide

    def begin(self, reason: str) -> Effects:
        """Log why trading has stopped, and cancel what may rest at the venue."""
        count = len(self._left)
        text = f"nothing can be recorded, so {count} orders are cancelled: {reason}"
        return [Log("error", text), *self._send_cancels()]

    def take(self, message: object) -> Effects:
        """Handle answers to cancels, new credentials and the desk's request; ignore the rest."""
        match message:
            case CancelAnswered():
                return self._answered(message)
            case CancelEverything(asked_at_ms=asked_at_ms) if not self._is_account_left:
                return [Send(DESK, EverythingCancelled(asked_at_ms))]
            case CancelFailed(is_unauthorized=True):
                self._has_client = False
                return [
                    Log("error", "the venue refuses the API credentials; new ones are requested")
                ]
            case CancelFailed(reason=reason):
                return [Log("error", f"a cancel got no answer and is repeated: {reason}")]
            case ClientReady():
                self._has_client = True
                return self._send_cancels()
            case ClientFailed(reason=reason):
                return [Log("error", f"no credentials from the venue: {reason}")]
            case TimerFired(key) if key == _AGAIN_TIMER:
                return self._send_cancels()
        return []

    @property
    def _is_over(self) -> bool:
        return not self._left and not self._is_account_left

    def _answered(self, event: CancelAnswered) -> Effects:
        self._left -= {each.lower() for each in event.canceled}
        if not event.venue_order_ids and not event.not_canceled:
            self._is_account_left = False
        return [CancelTimer(_AGAIN_TIMER)] if self._is_over else []

    def _send_cancels(self) -> Effects:
        if self._is_over:
            return []
        again = SetTimer(_AGAIN_TIMER, AGAIN_MS)
        if not self._has_client:
            return [Command(OpenClient()), again]
        cancels = _cancel_commands(sorted(self._left))
        if self._is_account_left:
            cancels.append(Command(CancelAll()))
        return [*cancels, again]
