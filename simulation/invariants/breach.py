"""The exception for a broken invariant."""

from __future__ import annotations


class Breach(Exception):
    """An invariant of docs/simulation.md does not hold at this step."""

    def __init__(self, invariant: int, text: str) -> None:
        super().__init__(f"invariant {invariant}: {text}" if invariant else text)
        self.invariant = invariant
        """Its number; 0 for what is wrong in any program, such as a raising core."""
