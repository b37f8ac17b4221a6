"""All randomness of a run: one seed, split by name, so that no user's draws shift another's."""

from __future__ import annotations

from random import Random


def dice(seed: int, *names: object) -> Random:
    """Return the generator for one purpose; the same seed and names give the same draws."""
    return Random("/".join(str(part) for part in (seed, *names)))


def exponential_ms(chance: Random, per_minute: float) -> int:
    """Draw the time to the next of random events with this rate per minute."""
    return 1 + int(chance.expovariate(per_minute / 60_000))
