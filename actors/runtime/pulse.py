"""What a shell keeps of real time: its core's timers, and how it fares."""

from __future__ import annotations

import time

_LATENCY_SAMPLES_KEPT = 2_000


class Timers:
    """Due times by key, with at most one transport wake-up under way for each."""

    def __init__(self) -> None:
        self._due_at: dict[str, float] = {}
        self._wakes_at: dict[str, float] = {}

    def set(self, key: str, seconds: float) -> None:
        """Let the key be due after so long, instead of whenever it was."""
        self._due_at[key] = time.monotonic() + seconds

    def cancel(self, key: str) -> None:
        """Forget the key."""
        self._due_at.pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        self._due_at.clear()

    def wakeups_to_ask_for(self) -> list[tuple[str, float]]:
        """Keys, and in how many seconds, for which no early enough wake-up is under way."""
        now = time.monotonic()
        asked = []
        for key, due_at in self._due_at.items():
            wakes_at = self._wakes_at.get(key)
            if wakes_at is None or wakes_at > due_at:
                self._wakes_at[key] = due_at
                asked.append((key, max(0.0, due_at - now)))
        return asked

    def due(self, key: str) -> list[str]:
        """Take note of a wake-up for the key; returns the key if it is really due."""
        self._wakes_at.pop(key, None)
        due_at = self._due_at.get(key)
        if due_at is None or due_at > time.monotonic() + 0.0005:
            return []
        del self._due_at[key]
        return [key]


class Pulse:
    """What an actor can say of its own health."""

    def __init__(self) -> None:
        self.handled_count = 0
        self.unroutable_count = 0
        self._last_at = time.monotonic()
        self._samples: dict[str, list[int]] = {}

    def count(self) -> None:
        """Note that a message came."""
        self.handled_count += 1
        self._last_at = time.monotonic()

    def age_ms(self) -> int:
        """Real time since the last message."""
        return int((time.monotonic() - self._last_at) * 1000)

    def sample(self, name: str, since_ns: int) -> None:
        """Note a latency that began at a host monotonic instant and ends now."""
        samples = self._samples.setdefault(name, [])
        if len(samples) < _LATENCY_SAMPLES_KEPT:
            samples.append((time.monotonic_ns() - since_ns) // 1000)

    def take_samples(self) -> dict[str, tuple[int, ...]]:
        """Samples in microseconds since the last call."""
        taken = {name: tuple(values) for name, values in self._samples.items()}
        self._samples.clear()
        return taken
