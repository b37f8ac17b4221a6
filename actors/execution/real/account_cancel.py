"""Cancels beyond single orders: what a halt asks, and what is left when nothing can be recorded.

At a halt the executor's own orders are cancelled by their ids, each until its end is known. The
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
from actors.execution.real.messages import (
    CancelAll,
    CancelAnswered,
    CancelFailed,
    CancelOrders,
    ClientFailed,
    ClientReady,
    OpenClient,
)
from actors.execution.real.outbox import cancel_pause_ms
from actors.execution.real.pending_actions import PendingActions
from actors.messages.halts import CancelEverything, EverythingCancelled
from actors.messages.lifecycle import JournalFailed, TimerFired
from actors.roles import DESK
from actors.settings import ExecutionSettings

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
                self.due_at_ms = now_ms + cancel_pause_ms(event)
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
        cancels: Effects = []
        if self._left:
            cancels.append(Command(CancelOrders(tuple(sorted(self._left)))))
        if self._is_account_left:
            cancels.append(Command(CancelAll()))
        return [*cancels, again]
