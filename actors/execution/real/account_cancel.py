"""What a halt asks of the whole account: every order is taken back, and the venue says so.

The executor's own orders are cancelled by their ids, each until its end is known. The cancel of the
account (``cancel_all_on_halt``) is for all others, which nobody here follows: so it is said until
the venue has confirmed it once for each halt.
"""

from __future__ import annotations

from actors.core import Command, Effects, Log, Send
from actors.execution.real.messages import CancelAll, CancelAnswered, CancelFailed
from actors.execution.real.outbox import cancel_pause_ms
from actors.execution.real.pending_actions import PendingActions
from actors.messages.execution import CancelEverything, EverythingCancelled
from actors.roles import DESK

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
