"""What the real executor still does when nothing can be recorded any more: take back, and no more.

An order that cannot be followed must not rest. A cancel needs no record: said twice it does no
harm, and it only takes risk away. So everything that may be at the venue is taken back, again and
again until the venue has said so of each, for as long as the process is left to live.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.core import CancelTimer, Command, Effects, Log, SetTimer
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import (
    CancelAnswered,
    CancelFailed,
    CancelOrders,
    ClientFailed,
    ClientReady,
    OpenClient,
)
from actors.messages import TimerFired

AGAIN_MS = 1_000
_AGAIN_TIMER = "take back"


class LastStand:
    """Takes every order back that may rest; keeps no record and needs none."""

    def __init__(self, orders: Iterable[LiveOrder], *, has_client: bool) -> None:
        out = (live for live in orders if live.posted_at_ms and not live.is_final)
        self._left = {live.venue_order_id for live in out}
        self._has_client = has_client

    def begin(self, reason: str) -> Effects:
        """Say why nothing is traded any more, and take back what may rest."""
        count = len(self._left)
        text = f"nothing can be recorded, so {count} orders are taken back: {reason}"
        return [Log("error", text), *self._take_back()]

    def take(self, message: object) -> Effects:
        """Take in what became of a cancel; nothing else is of interest any more."""
        match message:
            case CancelAnswered(canceled=canceled):
                self._left -= {each.lower() for each in canceled}
                return [] if self._left else [CancelTimer(_AGAIN_TIMER)]
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

    def _take_back(self) -> Effects:
        if not self._left:
            return []
        again = SetTimer(_AGAIN_TIMER, AGAIN_MS)
        if not self._has_client:
            return [Command(OpenClient()), again]
        return [Command(CancelOrders(tuple(sorted(self._left)))), again]
