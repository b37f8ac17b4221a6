"""Alerts waiting for delivery, separately for each target; pure, and saved with every change.

A target gets at most one message per half minute; alerts that arrive meanwhile go into the next
one. A failing target is retried, less and less often, with everything that it has missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import attrs

from understudy.alerting.notices import Notice

GAP_MS = 30_000
RETRY_FIRST_MS = 5_000
RETRY_MAX_MS = 300_000
WAITING_MAX = 200
"""Beyond this the oldest are dropped, and counted."""
SHOWN_MAX = 20
"""Lines in one message; the newest are shown, with the number of the others."""


@attrs.frozen(kw_only=True)
class Message:
    """One message to one target."""

    title: str
    body: str


@attrs.frozen(kw_only=True)
class Queue:
    """What one target has not been sent yet."""

    waiting: tuple[Notice, ...] = ()
    """Oldest first."""
    left_out_count: int = 0
    """Notices dropped because too many waited."""
    due_ms: int = 0
    """Nothing is sent before this time."""
    attempts: int = 0
    """Failed attempts since the last success."""
    failing_since_ms: int | None = None


class AlertQueues:
    """The queues of all targets, by name."""

    def __init__(self, targets: Iterable[str], kept: Mapping[str, Queue] | None = None) -> None:
        known = kept or {}
        self.by_target = {name: known.get(name, Queue()) for name in targets}

    def put(self, notices: Iterable[Notice]) -> None:
        """Add notices for every target."""
        fresh = tuple(notices)
        for name, queue in self.by_target.items():
            waiting = (*queue.waiting, *fresh)
            left_out = max(0, len(waiting) - WAITING_MAX)
            self.by_target[name] = attrs.evolve(
                queue,
                waiting=waiting[left_out:],
                left_out_count=queue.left_out_count + left_out,
            )

    def due(self, now_ms: int) -> list[str]:
        """Targets to which something may be sent now."""
        return [
            name for name, each in self.by_target.items() if each.waiting and now_ms >= each.due_ms
        ]

    def message(self, target: str, system: str) -> tuple[Message, tuple[Notice, ...]]:
        """Combine everything that waits for a target into one message; return both."""
        queue = self.by_target[target]
        return _message(queue, system), queue.waiting

    def delivered(self, target: str, told: tuple[Notice, ...], now_ms: int) -> None:
        """Remove what was delivered to a target."""
        left = tuple(each for each in self.by_target[target].waiting if each not in told)
        self.by_target[target] = Queue(waiting=left, due_ms=now_ms + GAP_MS)

    def failed(self, target: str, now_ms: int) -> None:
        """Schedule another attempt for later."""
        queue = self.by_target[target]
        delay_ms = min(RETRY_MAX_MS, RETRY_FIRST_MS << min(queue.attempts, 16))
        self.by_target[target] = attrs.evolve(
            queue,
            attempts=queue.attempts + 1,
            due_ms=now_ms + delay_ms,
            failing_since_ms=queue.failing_since_ms or now_ms,
        )

    def hurry(self, *, also_failing: bool) -> None:
        """Allow everything to be sent now, because the process is ending."""
        for name, queue in self.by_target.items():
            if also_failing or not queue.attempts:
                self.by_target[name] = attrs.evolve(queue, due_ms=0)


def _message(queue: Queue, system: str) -> Message:
    notices = queue.waiting
    if len(notices) == 1 and not queue.left_out_count and queue.failing_since_ms is None:
        return Message(title=f"understudy {system}", body=f"{_line(notices[0])}\n")
    lines = []
    if queue.failing_since_ms is not None:
        lines.append(f"held back since {_time(queue.failing_since_ms)}: it could not be delivered")
    hidden = queue.left_out_count + max(0, len(notices) - SHOWN_MAX)
    if hidden:
        lines.append(f"{hidden} older alerts are not shown")
    lines += map(_line, notices[-SHOWN_MAX:])
    title = f"understudy {system}: {len(notices) + queue.left_out_count} alerts"
    return Message(title=title, body="\n".join(lines) + "\n")


def _line(notice: Notice) -> str:
    return f"{_time(notice.at_ms)}  {notice.text}"


def _time(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
