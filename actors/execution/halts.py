"""Why nothing is traded: halts that last, one for each who, and one that ends with the process."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.execution.halt_messages import Halt

Halts = tuple[Halt, ...]


def with_halt(halts: Halts, new: Halt) -> Halts:
    """The halts with one more; the same value if it says nothing new.

    Each who has one: said again, its first time stands, and orders that were to be cancelled or
    holdings that were to be sold still are.
    """
    known = next((halt for halt in halts if halt.who == new.who), None)
    if known is None:
        return (*halts, new)
    joined = attrs.evolve(
        new,
        since_ms=known.since_ms,
        cancels=new.cancels or known.cancels,
        flattens=new.flattens or known.flattens,
    )
    return halts if joined == known else tuple(joined if h is known else h for h in halts)


def halt_words(halts: Iterable[Halt], passing_reason: str = "") -> str:
    """Why nothing is traded, in words; empty if it is."""
    passing = [passing_reason] if passing_reason else []
    return "; ".join([*(halt.sentence for halt in halts), *passing])
