"""Scheduling priority: an urgent process runs before others, where the system allows it.

With fair scheduling, an actor that a message wakes may wait some milliseconds for the processor
until another process has had its turn, and a tick wakes one actor after another until its order is
sent. Under the policy ``SCHED_RR`` (man 7 sched) each of them runs at once. Linux allows it to
processes with CAP_SYS_NICE, which root usually has, or RLIMIT_RTPRIO of 1 or more; without it
everything works the same, but slower on a busy machine (docs/decisions/urgent-actors.md).
"""

from __future__ import annotations

import os
import resource
import sys
import threading

RUNAWAY_LIMIT_S = 10
"""Seconds of computing without a pause. Nothing here computes for a second; and before this limit a
supervisor that gets to run has killed a process that does not answer
(``supervision.heartbeat_limit_ms``)."""

_PRIORITY = 1
"""The lowest priority above ordinary processes. Urgent processes take turns with each other."""


class NotAllowed(Exception):
    """The system does not allow this process to run first; the sentence says why."""


def run_first(runaway_limit_s: int = RUNAWAY_LIMIT_S) -> None:
    """Run this thread, and threads that it starts, before everything that is not urgent.

    The kernel then kills a process that computes for longer than the limit without waiting, so that
    a bug cannot occupy a processor (man 2 getrlimit, RLIMIT_RTTIME).

    Raises:
        NotAllowed: nothing has changed.
    """
    _take_policy()
    limit_us = runaway_limit_s * 1_000_000
    _, most_us = resource.getrlimit(resource.RLIMIT_RTTIME)
    if most_us != resource.RLIM_INFINITY:
        limit_us = min(limit_us, most_us)
    resource.setrlimit(resource.RLIMIT_RTTIME, (limit_us, limit_us))


def why_not_allowed() -> str:
    """Return why actors started from this process cannot run first; empty if they can."""
    refusals = []

    def attempt() -> None:
        try:
            _take_policy()
        except NotAllowed as refusal:
            refusals.append(str(refusal))

    thread = threading.Thread(target=attempt)  # a policy belongs to one thread, and ends with it
    thread.start()
    thread.join()
    return "".join(refusals)


def _take_policy() -> None:
    if sys.platform != "linux":
        raise NotAllowed(f"{sys.platform} has no SCHED_RR")
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_PRIORITY))
    except OSError as error:
        raise NotAllowed(f"SCHED_RR is refused: {error.strerror}") from error
