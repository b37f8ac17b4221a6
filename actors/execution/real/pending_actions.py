"""What is to be done next for each order, how fast, and when the executor wakes up for it.

Nothing here survives, or has to: after a restart all of it follows again from what is recorded of
the orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from actors.core import Effects, SetTimer

RECHECK_MS = 1_000
"""How often the venue is asked again about an order that is not clear."""
RETRY_MS = 1_000
LAG_RETRY_FIRST_MS = 500
LAG_RETRY_MAX_MS = 4_000


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


ALARM_TIMER = "wake"
_LEAST_DELAY_MS = 10


class Alarm:
    """Rings for the earliest of many times."""

    def __init__(self) -> None:
        self._at_ms: int | None = None

    def set(self, times: Iterable[int], now_ms: int) -> Effects:
        """Ring at the first time that is still to come, if that is sooner than the next ring."""
        at_ms = min((each for each in times if each > now_ms), default=None)
        if at_ms is None or (self._at_ms is not None and self._at_ms <= at_ms):
            return []
        self._at_ms = at_ms
        return [SetTimer(ALARM_TIMER, max(_LEAST_DELAY_MS, at_ms - now_ms))]

    def clock_set_back(self, _by_ms: int) -> None:
        """Times are others now: the next that is set rings."""
        self._at_ms = None

    def rang(self) -> Effects:
        """It has rung; what is due is looked for after every message anyway."""
        self._at_ms = None
        return []
