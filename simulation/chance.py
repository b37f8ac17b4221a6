"""All chance of a run: one seed, split by name, so that one user's draws do not move another's."""

from __future__ import annotations

from random import Random


def dice(seed: int, *names: object) -> Random:
    """Make the generator of one purpose; the same seed and names give the same draws."""
    return Random("/".join(str(part) for part in (seed, *names)))


def exponential_ms(chance: Random, per_minute: float) -> int:
    """Draw the time to the next of events that come at random, so many a minute."""
    return 1 + int(chance.expovariate(per_minute / 60_000))
