"""Declaration of kinds of faults, and the drawing of their rates."""

from __future__ import annotations

import math
from random import Random
from typing import TypeVar

import attrs

_CALM, _SINGLE = 0.12, 0.35

_Rates = TypeVar("_Rates", bound="Rates")


def rate(lowest: float, highest: float, meaning: str) -> float:
    """Declare one kind of fault: none by default, otherwise a rate drawn from this range."""
    about = {"range": (lowest, highest), "meaning": meaning}
    field: float = attrs.field(default=0.0, metadata=about)
    return field


@attrs.frozen(kw_only=True)
class Rates:
    """How often each kind of fault occurs: a chance per occasion, or a number per minute."""

    @classmethod
    def meanings(cls) -> dict[str, str]:
        """Return the description of each kind of fault."""
        return {field.name: field.metadata["meaning"] for field in attrs.fields(cls)}

    def active(self) -> dict[str, float]:
        """Return the kinds that occur in this run."""
        return {name: value for name, value in attrs.asdict(self).items() if value}


def draw_rates(kinds: type[_Rates], chance: Random) -> _Rates:
    """Draw none, a single one, or about four in ten of the kinds, each with its rate."""
    mood = chance.random()
    if mood < _CALM:
        return kinds()
    names = list(kinds.meanings())
    if mood < _SINGLE:
        chosen = chance.sample(names, 1)
    else:
        chosen = [name for name in names if chance.random() < 0.4]
    ranges = {field.name: field.metadata["range"] for field in attrs.fields(kinds)}
    return kinds(**{name: _log_uniform(chance, *ranges[name]) for name in chosen})


def _log_uniform(chance: Random, lowest: float, highest: float) -> float:
    return math.exp(chance.uniform(math.log(lowest), math.log(highest)))
