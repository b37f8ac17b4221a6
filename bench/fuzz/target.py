"""The target of a campaign: a reader, real shapes for it, and what must hold."""

from __future__ import annotations

import random
from collections.abc import Callable

import attrs

Case = Callable[[random.Random], str]
"""Plays one case; returns its outcome in a word."""


class Broken(Exception):
    """A reader violated a promise."""


@attrs.frozen
class Target:
    """One reader."""

    name: str
    case: Case
    weight: int
    """Its share of a campaign."""


def hold(condition: bool, text: str) -> None:
    """Check a promise.

    Raises:
        Broken: the condition does not hold.
    """
    if not condition:
        raise Broken(text)
