"""The average that opens and settles windows: one price a second, sixty of them."""

from __future__ import annotations

from venue.windows import TWAP_SECONDS

_KEPT_SECONDS = 3 * TWAP_SECONDS


class SecondSamples:
    """The settling source's price at each whole second, and the average that settles windows."""

    def __init__(self) -> None:
        self._samples: dict[int, int] = {}
        self._newest = 0
        self._sums: dict[int, tuple[int, int]] = {}
        """Sum and number of the samples that are known, by the last second of an average. Several
        sources ask for the same one; a new sample may be missing in any, and clears them all."""

    def add(self, second: int, price_e18: int) -> None:
        """Take the price at a whole second; seconds come in order."""
        self._samples[second] = price_e18
        self._newest = second
        self._sums.clear()
        self._samples.pop(second - _KEPT_SECONDS, None)

    def price(self, second: int) -> int | None:
        """The price at a second; None if it is not known, or no longer."""
        return self._samples.get(second)

    def average(self, end_second: int) -> int | None:
        """Mean of the samples of the 60 seconds up to and with this one; None if one is missing."""
        total_e18, known_count = self._sum(end_second)
        return total_e18 // TWAP_SECONDS if known_count == TWAP_SECONDS else None

    def expected_average(self, end_second: int, spot_e18: int) -> tuple[int, int]:
        """Expect the average at a later second.

        Returns:
            The average with every missing sample taken as ``spot_e18``, and how many are missing.
        """
        total_e18, known_count = self._sum(end_second)
        missing_count = TWAP_SECONDS - known_count
        return (total_e18 + missing_count * spot_e18) // TWAP_SECONDS, missing_count

    def _sum(self, end_second: int) -> tuple[int, int]:
        found = self._sums.get(end_second)
        if found is None:
            seconds = range(end_second - TWAP_SECONDS + 1, min(end_second, self._newest) + 1)
            known = [self._samples[second] for second in seconds if second in self._samples]
            found = self._sums[end_second] = sum(known), len(known)
        return found
