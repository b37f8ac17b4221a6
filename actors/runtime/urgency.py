"""Has an urgent actor run before everyone else on its processor, where the system allows it.

A kernel that shares its processors fairly lets an actor, woken by a message, wait until whoever
runs there has had a turn, some milliseconds; and a tick wakes one actor after another until its
order has left. Under the policy ``SCHED_RR`` (man 7 sched) each of them runs at once. Linux allows
it to whoever has CAP_SYS_NICE, as root mostly does, or RLIMIT_RTPRIO of 1 or more; without it all
is the same, but slower on a busy machine (docs/decisions/urgent-actors.md).
"""

from __future__ import annotations

import os
import resource
import sys
import threading

RUNAWAY_LIMIT_S = 10
"""Of computing without a pause. Nothing here computes for a second; and before this, a supervisor
that gets its turn has killed whoever does not answer (``supervision.heartbeat_limit_ms``)."""

_PRIORITY = 1
"""The lowest that comes before ordinary processes. Among themselves, urgent actors take turns."""


class NotAllowed(Exception):
    """The system lets nobody of ours run first; the sentence says why."""


def run_first(runaway_limit_s: int = RUNAWAY_LIMIT_S) -> None:
    """Run this thread, and those that it starts, before whatever is not urgent.

    A process that then computes for longer than the limit without ever waiting is killed by the
    kernel, so that no fault of ours keeps a processor for itself (man 2 getrlimit, RLIMIT_RTTIME).

    Raises:
        NotAllowed: it goes on as it was.
    """
    _take_policy()
    limit_us = runaway_limit_s * 1_000_000
    _, most_us = resource.getrlimit(resource.RLIMIT_RTTIME)
    if most_us != resource.RLIM_INFINITY:
        limit_us = min(limit_us, most_us)
    resource.setrlimit(resource.RLIMIT_RTTIME, (limit_us, limit_us))


def why_not_allowed() -> str:
    """Why actors started from this process could not run first; empty if they can."""
    refusals = []

    def attempt() -> None:
        try:
            _take_policy()
        except NotAllowed as refusal:
            refusals.append(str(refusal))

    thread = threading.Thread(target=attempt)  # a policy is one thread's, and ends with it
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
