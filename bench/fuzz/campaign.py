"""Campaigns of many cases, and the kinds of findings among them."""

from __future__ import annotations

import random
import traceback
from collections import Counter
from collections.abc import Sequence

import attrs

from bench.fuzz import account, files, market, metadata, prices, sockets
from bench.fuzz.target import Target

TARGETS: tuple[Target, ...] = (
    *market.TARGETS,
    *account.TARGETS,
    *prices.TARGETS,
    *metadata.TARGETS,
    *files.TARGETS,
    *sockets.TARGETS,
)
"""Every reader of input from outside."""


@attrs.define
class Finding:
    """One kind of finding: where it was raised, and the first case that shows it."""

    target: str
    case: int
    text: str
    count: int = 1


def play(target: Target, seed: int, case: int) -> str:
    """Play one case; it depends only on its seed and number.

    Raises:
        Exception: whatever it finds.
    """
    return target.case(random.Random(f"{seed}/{target.name}/{case}"))


class Campaign:
    """Plays cases in turn, and keeps the findings."""

    def __init__(self, targets: Sequence[Target], seed: int) -> None:
        self._targets = targets
        self._seed = seed
        self.words: dict[str, Counter[str]] = {each.name: Counter() for each in targets}
        self.found: dict[str, Finding] = {}
        """By target and place of the code."""

    def run(self, count: int) -> None:
        """Play this many cases, spread over the targets by their weights."""
        weight = sum(target.weight for target in self._targets)
        for target in self._targets:
            for case in range(-(-count * target.weight // weight)):
                self.words[target.name][self._word(target, case)] += 1

    def _word(self, target: Target, case: int) -> str:
        try:
            return play(target, self._seed, case)
        except Exception as problem:  # whatever a reader raises that it does not declare
            place = traceback.extract_tb(problem.__traceback__)[-1]
            kind = f"{target.name}: {type(problem).__name__} in {place.filename}:{place.lineno}"
            if kind in self.found:
                self.found[kind].count += 1
            else:
                text = f"{kind}: {problem!s:.300}"
                self.found[kind] = Finding(target.name, case, text)
            return "FOUND"
