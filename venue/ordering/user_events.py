"""The user channel's outgoing events.

On the real venue, events of orders and of trades travel separately. Which arrives first is random,
and so is whether either arrives before the answer to the POST that caused it. Events of one order,
or of one trade, stay in order unless a fault delays one.
"""

from __future__ import annotations

import heapq
from collections import deque
from random import Random

from venue.faults import FaultKind, OrderFaults
from venue.frames import Channel, Frame

_LAGS_MS = (0, 0, 0, 20, 40, 100)
_LATE_MS = (50, 600)
_AGAIN_MS = (20, 3_000)
_KEPT = 64
"""Events kept for a replay."""


def user_keys(wallet: str, market: str) -> tuple[str, str]:
    """Keys of an event: of those who listen to all of a wallet's markets, and to this one."""
    return (wallet, f"{wallet}/{market}")


class UserEvents:
    """Events that are due later, and those that were sent."""

    def __init__(self, seed: int, faults: OrderFaults) -> None:
        self._seed = seed
        self._faults = faults
        self._waiting: list[tuple[int, int, Frame]] = []
        self._lane_ends_ms: dict[str, int] = {}
        self._recent: deque[Frame] = deque(maxlen=_KEPT)
        self._count = 0

    def put(self, keys: tuple[str, str], lane: str, text: str, now_ms: int) -> None:
        """Schedule an event to be sent soon, after all others of its lane."""
        self._count += 1
        name = f"{lane}/{self._count}"
        dice = Random(f"{self._seed}/events/{name}")
        frame = Frame(Channel.USER, keys, text)
        due_ms = max(now_ms + dice.choice(_LAGS_MS), self._lane_ends_ms.get(lane, 0))
        if self._faults.strikes(FaultKind.LATE_EVENT, name):
            due_ms += dice.randint(*_LATE_MS)
        else:
            self._lane_ends_ms[lane] = due_ms
        self._push(frame, due_ms)
        if self._faults.strikes(FaultKind.DUPLICATE_EVENT, name):
            self._push(frame, due_ms + dice.randint(*_AGAIN_MS))

    def replay(self, count: int, now_ms: int) -> None:
        """Send the last events again."""
        for frame in list(self._recent)[-count:]:
            self._push(frame, now_ms)

    def release(self, now_ms: int) -> list[Frame]:
        """Take out the events that are due."""
        frames = []
        while self._waiting and self._waiting[0][0] <= now_ms:
            frames.append(heapq.heappop(self._waiting)[2])
        self._recent.extend(frames)
        return frames

    def _push(self, frame: Frame, due_ms: int) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (due_ms, self._count, frame))
