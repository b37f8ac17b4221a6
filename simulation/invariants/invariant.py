"""The form of an invariant: a class whose methods are marked with what they check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol, TypeVar

from actors.model import Side
from actors.settings import Settings
from simulation.invariants.breach import Breach
from simulation.invariants.facts import Facts

ANYTHING = object
"""Marks a method that checks every type."""

_Method = TypeVar("_Method", bound=Callable[..., None])


class Actor(Protocol):
    """An actor as the invariants see it."""

    role: str

    @property
    def generation(self) -> int:
        """The newest generation that it has claimed."""
        ...

    @property
    def now_ms(self) -> int:
        """Venue time as the actor knows it."""
        ...

    @property
    def is_current(self) -> bool:
        """Whether no other actor has taken its role; of a leftover only records are checked."""
        ...


class Truth(Protocol):
    """What only the venue knows."""

    def winner(self, market_id: str) -> Side | None:
        """Return who has won; None for a void window.

        Raises:
            KeyError: the venue has not decided.
        """
        ...

    def is_halted(self) -> bool:
        """Return whether a person was told that trading is halted, and has not resumed since."""
        ...


def _marked(occasion: str, types: tuple[type, ...]) -> Callable[[_Method], _Method]:
    def mark(method: _Method) -> _Method:
        method.__dict__.setdefault("occasions", []).extend((occasion, each) for each in types)
        return method

    return mark


def recorded(*event_types: type) -> Callable[[_Method], _Method]:
    """Mark ``method(actor, record)``: called with a record of such an event, before it counts."""
    return _marked("recorded", event_types)


def said(*message_types: type) -> Callable[[_Method], _Method]:
    """Mark ``method(actor, message)``: called before such a message is sent.

    With ANYTHING it is called before the first message of each class.
    """
    return _marked("said", message_types)


def commanded(*command_types: type) -> Callable[[_Method], _Method]:
    """Mark ``method(actor, command)``: called before a port gets such a command."""
    return _marked("commanded", command_types)


def heard(*message_types: type) -> Callable[[_Method], _Method]:
    """Mark ``method(actor, message)``: called before a core handles such a message."""
    return _marked("heard", message_types)


class Invariant:
    """One invariant; it may keep state."""

    number: ClassVar[int]
    """Its number in docs/simulation.md."""

    def __init__(self, facts: Facts, settings: Settings, truth: Truth) -> None:
        self.facts = facts
        self.settings = settings
        self.truth = truth
        self.forget()

    def forget(self) -> None:
        """Forget everything: at first, and when the machine has crashed with everything on it."""

    def occasions(self) -> list[tuple[str, type, Callable[[Any, Any], None]]]:
        """Return what it checks, and with which method."""
        found = []
        for name in dir(type(self)):
            method = getattr(type(self), name)
            for occasion, looked_at in getattr(method, "occasions", ()):
                found.append((occasion, looked_at, getattr(self, name)))
        return found

    def require(self, condition: bool, text: str, *details: object) -> None:
        """Stop the run if the invariant does not hold.

        Args:
            condition: whether it holds.
            text: what is wrong if it does not, with a placeholder for each detail.
            details: formatted only on failure, since most are slow to format.

        Raises:
            Breach: it does not hold.
        """
        if not condition:
            raise self.breach(text.format(*details))

    def breach(self, text: str) -> Breach:
        """Return the exception for a broken invariant."""
        return Breach(self.number, text)
