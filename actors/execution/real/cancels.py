"""Cancels: of single orders, of what a halt asks, and of all when nothing can be recorded.

An order of the executor's own is cancelled by its id until its end is known, at a halt too. The
cancel of the account (``cancel_all_on_halt``) is for all others, which nobody here follows: so it
is said until the venue has confirmed it once for each halt.

An order that can no longer be followed, because nothing can be recorded, must not rest. A cancel
needs no record: said twice it does no harm, and it only takes risk away. So everything that may be
at the venue is taken back, again and again until the venue has said so of each, for as long as the
process is left to live.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.core import CancelTimer, Command, Effects, Log, Send, SetTimer
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
"""A cancel is said again at least so often, however long the venue asks to wait."""
CANCELS_MAX = 1_000
"""Orders that the venue takes back in one request. Source: its change log, 2026-06-15."""

_EARLY_CANCEL_AGAIN_MS = 300
_CANCEL_AGAIN_MS = 2_000


class OrderCancels:
    """Cancels single orders, each by the venue's id."""

    def __init__(self, orders: LiveOrders, pending: PendingActions) -> None:
        self._orders = orders
        self._pending = pending

    def go_on(self, now_ms: int) -> Effects:
        """Take back what is due, many in one request."""
        if not self._pending.may_cancel(now_ms):
            return []
        ids = []
        for order_id, work in self._pending:
            live = self._orders.get(order_id)
            is_due = work.cancel_at_ms is not None and work.cancel_at_ms <= now_ms
            if live is None or not is_due or work.is_cancelling or work.is_posting:
                continue
            work.cancel_at_ms, work.is_cancelling = None, True
            ids.append(live.venue_order_id)
        return _cancel_commands(ids)

    def take(self, event: CancelEvent, now_ms: int) -> Effects:
        """Take in what the port says of cancels."""
        if isinstance(event, CancelAnswered):
            return self._cancelled(event, now_ms)
        return self._cancel_failed(event, now_ms)

    def _cancelled(self, event: CancelAnswered, now_ms: int) -> Effects:
        """What was taken back is gone; for the rest, the venue's reason says what to do."""
        effects: Effects = []
        for live, work in self._cancelling(event.venue_order_ids):
            work.is_cancelling = False
            if not live.is_final:
                work.cancel_at_ms = now_ms + _CANCEL_AGAIN_MS
        for live, work in self._cancelling(each.lower() for each in event.canceled):
            if not live.is_final:
                work.cancel_at_ms = None
                work.ask(now_ms)
                ended = live.ended(live.cancel_reason or "cancelled", None, now_ms)
                effects += self._orders.commit(ended, CancelTold(live.order_id))
        for venue_order_id, reason in event.not_canceled:
            self._not_cancelled(venue_order_id.lower(), reason, now_ms)
        return effects

    def _not_cancelled(self, venue_order_id: str, reason: str, now_ms: int) -> None:
        live = self._orders.at_venue(venue_order_id)
        if live is None or live.is_final:
            return
        work = self._pending.of(live.order_id)
        is_early = is_cancel_early(reason)
        work.cancel_at_ms = now_ms + (_EARLY_CANCEL_AGAIN_MS if is_early else _CANCEL_AGAIN_MS)
        if not is_early:
            work.is_told_gone = is_already_gone(reason)
            work.ask(now_ms)

    def _cancel_failed(self, event: CancelFailed, now_ms: int) -> Effects:
        """Try again; cancels can be said as often as one likes."""
        wait_ms = _pause_ms(event)
        if event.retry_after_ms is not None:
            self._pending.hold_cancels(now_ms + wait_ms)
        for live, work in self._cancelling(event.venue_order_ids):
            work.is_cancelling = False
            if not live.is_final:
                work.cancel_at_ms = now_ms + wait_ms
        if event.is_unauthorized:
            return []
        return [Log("warning", f"a cancel got no answer, and is said again: {event.reason}")]

    def _cancelling(self, venue_order_ids: Iterable[str]) -> list[tuple[LiveOrder, PendingAction]]:
        found = (self._orders.at_venue(each) for each in venue_order_ids)
        return [(live, self._pending.of(live.order_id)) for live in found if live is not None]


def _pause_ms(failed: CancelFailed) -> int:
    """How long to wait before the cancel is said again."""
    return min(CANCEL_HOLD_MAX_MS, failed.retry_after_ms or RETRY_MS)


def _cancel_commands(ids: list[str]) -> Effects:
    return [
        Command(CancelOrders(tuple(ids[start : start + CANCELS_MAX])))
        for start in range(0, len(ids), CANCELS_MAX)
    ]


_LEFT_AGAIN_MS = 2_000
"""When an order was left, the account is cancelled again so soon."""


class AccountCancel:
    """The newest request of the desk, and how far it has come."""

    def __init__(self, *, is_wide: bool) -> None:
        """Begin without a request.

        Args:
            is_wide: the account's other orders are taken back as well.
        """
        self.due_at_ms = 0
        """Before then the account is not cancelled again."""
        self._is_wide = is_wide
        self._wanted: CancelEverything | None = None
        self._under_way: CancelEverything | None = None
        """What the cancel that is under way was said for."""
        self._done: CancelEverything | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether the venue has yet to confirm; what were posted now it would take back too."""
        return self._wanted is not None

    def clock_set_back(self, by_ms: int) -> None:
        """It is due as soon as it would have been."""
        self.due_at_ms -= by_ms

    def knows(self, request: CancelEverything) -> bool:
        """Whether it was asked for before."""
        return request in (self._wanted, self._done)

    def want(self, request: CancelEverything) -> Effects:
        """Take a request in; one that was carried out is only answered again."""
        if request == self._done or not self._is_wide:
            return self._confirm(request)
        self._wanted = request
        return []

    def go_on(self, pending: PendingActions, now_ms: int) -> Effects:
        """Cancel the account, if that is wanted and the venue takes cancels."""
        if self._wanted is None or self._under_way is not None:
            return []
        if now_ms < self.due_at_ms or not pending.may_cancel(now_ms):
            return []
        self._under_way = self._wanted
        return [Command(CancelAll())]

    def take(self, event: object, now_ms: int) -> Effects:
        """Take in what the port says, if it is of a cancel of the account."""
        match event:
            case CancelFailed(venue_order_ids=()):
                self._under_way = None
                self.due_at_ms = now_ms + _pause_ms(event)
            case CancelAnswered(venue_order_ids=(), not_canceled=left):
                request, self._under_way = self._under_way, None
                if left:
                    self.due_at_ms = now_ms + _LEFT_AGAIN_MS
                    return [Log("warning", _left_sentence(left))]
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
        f"the venue left {len(left)} of the account's orders, and is asked again: "
        f"{venue_order_id}: {reason}"
    )


AGAIN_MS = 1_000
_AGAIN_TIMER = "take back"


def is_account_wide(settings: ExecutionSettings, failed: JournalFailed, role: str) -> bool:
    """Whether the account's other orders are taken back as well.

    An executor that cannot read which orders are its own cannot name them: they are taken back with
    all others, unless others are to be left where they are.

    Args:
        settings: of a live executor.
        failed: what it was told.
        role: its own.
    """
    is_blind = failed.are_rows_lost and failed.role == role
    return settings.cancel_all_on_halt or (is_blind and settings.unknown_orders != "leave")


class EmergencyCancel:
    """Takes every order back that may rest; keeps no record and needs none."""

    def __init__(self, at_large: Iterable[str], *, has_client: bool, is_wide: bool) -> None:
        """Note what may be at the venue.

        Args:
            at_large: the venue's ids of all orders of ours that may rest there.
            has_client: there are credentials.
            is_wide: the account's other orders are taken back as well.
        """
        self._left = set(at_large)
        self._has_client = has_client
        self._is_account_left = is_wide

    def begin(self, reason: str) -> Effects:
        """Say why nothing is traded any more, and take back what may rest."""
        count = len(self._left)
        text = f"nothing can be recorded, so {count} orders are taken back: {reason}"
        return [Log("error", text), *self._take_back()]

    def take(self, message: object) -> Effects:
        """Take in what became of a cancel; else only the desk's question is of interest."""
        match message:
            case CancelAnswered():
                return self._answered(message)
            case CancelEverything(asked_at_ms=asked_at_ms) if not self._is_account_left:
                return [Send(DESK, EverythingCancelled(asked_at_ms))]
            case CancelFailed(is_unauthorized=True):
                self._has_client = False
                return [Log("error", "the venue refuses the API credentials: it is asked for new")]
            case CancelFailed(reason=reason):
                return [Log("error", f"a cancel got no answer, and is said again: {reason}")]
            case ClientReady():
                self._has_client = True
                return self._take_back()
            case ClientFailed(reason=reason):
                return [Log("error", f"no credentials from the venue: {reason}")]
            case TimerFired(key) if key == _AGAIN_TIMER:
                return self._take_back()
        return []

    @property
    def _is_over(self) -> bool:
        return not self._left and not self._is_account_left

    def _answered(self, event: CancelAnswered) -> Effects:
        self._left -= {each.lower() for each in event.canceled}
        if not event.venue_order_ids and not event.not_canceled:
            self._is_account_left = False
        return [CancelTimer(_AGAIN_TIMER)] if self._is_over else []

    def _take_back(self) -> Effects:
        if self._is_over:
            return []
        again = SetTimer(_AGAIN_TIMER, AGAIN_MS)
        if not self._has_client:
            return [Command(OpenClient()), again]
        cancels = _cancel_commands(sorted(self._left))
        if self._is_account_left:
            cancels.append(Command(CancelAll()))
        return [*cancels, again]
