"""Random numbers for actors that may never need any."""

from __future__ import annotations

from random import Random


class LateDice:
    """Like ``random.Random(seed)``, whose 2.5 kB are allocated at first use: orders use none."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._made: Random | None = None

    def random(self) -> float:
        """Return a number in [0, 1)."""
        return self._dice().random()

    def getrandbits(self, bits: int, /) -> int:
        """Return a non-negative integer below ``2**bits``."""
        return self._dice().getrandbits(bits)

    def _dice(self) -> Random:
        if self._made is None:
            self._made = Random(self._seed)
        return self._made
