"""Why nothing is traded: halts that last, one for each who, and one that ends with the process."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.messages.halts import BY_HAND, OPERATOR, PAGE, Halt

Halts = tuple[Halt, ...]
_PEOPLE = (OPERATOR, PAGE)
_THEN = "; then "
_REASON_MOST = 500


def with_halt(halts: Halts, new: Halt) -> Halts:
    """The halts with one more; the same value if it says nothing new.

    Each who has one for everything, and one a series: said again, its first time stands, and orders
    that were to be cancelled or holdings that were to be sold still are. A person's reasons are all
    kept; a guard rail's newest one has the newest numbers.
    """
    same = (halt for halt in halts if (halt.who, halt.series) == (new.who, new.series))
    known = next(same, None)
    if known is None:
        return (*halts, new)
    joined = attrs.evolve(
        new,
        reason=_both(known.reason, new.reason) if new.who in _PEOPLE else new.reason,
        since_ms=known.since_ms,
        cancels=new.cancels or known.cancels,
        flattens=new.flattens or known.flattens,
    )
    return halts if joined == known else tuple(joined if h is known else h for h in halts)


def halts_of(halts: Iterable[Halt], series: str) -> Halts:
    """The halts that hold in a series: its own, and those of everything."""
    return tuple(halt for halt in halts if halt.series in ("", series))


def _both(known: str, new: str) -> str:
    if new in (BY_HAND, *known.split(_THEN)):
        return known
    return new if known == BY_HAND else f"{known}{_THEN}{new}"[:_REASON_MOST]


def halt_words(halts: Iterable[Halt], passing_reason: str = "") -> str:
    """Why nothing is traded, in words; empty if it is."""
    passing = [passing_reason] if passing_reason else []
    return "; ".join([*(halt.sentence for halt in halts), *passing])
