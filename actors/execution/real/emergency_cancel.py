"""What the real executor still does when nothing can be recorded any more: take back, and no more.

An order that cannot be followed must not rest. A cancel needs no record: said twice it does no
harm, and it only takes risk away. So everything that may be at the venue is taken back, again and
again until the venue has said so of each, for as long as the process is left to live. With
``cancel_all_on_halt`` the whole account is.
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
from actors.messages.execution import CancelEverything, EverythingCancelled
from actors.messages.lifecycle import JournalFailed, TimerFired
from actors.roles import DESK
from actors.settings import ExecutionSettings

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
