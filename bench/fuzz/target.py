"""What a campaign attacks: a reader, real shapes for it, and what must hold of its words."""

from __future__ import annotations

import random
from collections.abc import Callable

import attrs

Case = Callable[[random.Random], str]
"""Plays one case; returns in a word what became of it."""


class Broken(Exception):
    """A reader did what it must never do."""


@attrs.frozen
class Target:
    """One reader."""

    name: str
    case: Case
    weight: int
    """Its share of a campaign."""


def hold(condition: bool, text: str) -> None:
    """Note a broken promise.

    Raises:
        Broken: the condition does not hold.
    """
    if not condition:
        raise Broken(text)
