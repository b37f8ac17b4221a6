"""The base of every actor's core: state, and ``handle(message, now_ms) -> effects``.

A core is a plain object. It imports no actor library, socket, clock, randomness or file: the time
comes with each message, random numbers from the ``Dice`` it is given, and its effects are returned
for a host to perform in order. The same core therefore runs in a Thespian process (live and paper
trading) and on the virtual-time scheduler (simulation), and can be tested without a harness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from types import UnionType
from typing import Any, ClassVar, Protocol, TypeVar, get_args

import msgspec

from actors.messages.lifecycle import SettingsReplaced
from actors.settings import Settings


class Dice(Protocol):
    """The only source of randomness that a core may use; ``random.Random`` is one."""

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...

    def getrandbits(self, bits: int, /) -> int:
        """Return a non-negative integer below ``2**bits``."""
        ...


class Send(msgspec.Struct, frozen=True):
    """Send a message to another role: delivered at most once, in no guaranteed order."""

    to: str
    message: object


class Save(msgspec.Struct, frozen=True):
    """The current value of one thing that an actor owns, saved for recovery.

    It replaces the previous value of its (``kind``, ``key``). A row with ``is_open`` False is kept
    for readers but not loaded by a restart, so a restart costs only as much as what is open.
    """

    kind: str
    key: str
    value: object
    is_open: bool = True


class Record(msgspec.Struct, frozen=True):
    """Append ``event`` to the journal and store ``saves``, in one transaction.

    It is durable before the next effect is performed; if it fails, the remaining effects are
    dropped.
    """

    event: object
    saves: tuple[Save, ...] = ()


class SetTimer(msgspec.Struct, frozen=True):
    """Send the core ``TimerFired(key)`` after a delay of venue time; replaces an earlier one."""

    key: str
    delay_ms: int


class CancelTimer(msgspec.Struct, frozen=True):
    """Cancel a timer, if it is running."""

    key: str


class Command(msgspec.Struct, frozen=True):
    """A command for the actor's own port (a websocket, HTTP)."""

    command: object


class Recall(msgspec.Struct, frozen=True):
    """Ask for a row that was not loaded; the core is given ``Recalled`` with its current value."""

    kind: str
    key: str
    about: object
    """Whatever made the core ask; it is returned with the row."""


class Log(msgspec.Struct, frozen=True):
    """One log line for the operator; ``level`` is "info", "warning" or "error"."""

    level: str
    text: str


class Stop(msgspec.Struct, frozen=True):
    """The actor has finished; it leaves and is not restarted."""

    reason: str


Effect = Send | Record | Recall | SetTimer | CancelTimer | Command | Log | Stop
Effects = list[Effect]


class UnknownMessage(Exception):
    """A core was sent a message that it has no handler for."""


_Method = TypeVar("_Method", bound=Callable[..., Effects])


def handles(*message_types: type | UnionType) -> Callable[[_Method], _Method]:
    """Mark a method as the handler of exactly these message types, or of every type in a union."""

    def mark(method: _Method) -> _Method:
        kinds = (get_args(each) or (each,) for each in message_types)
        method.__dict__["handled_types"] = tuple(chain.from_iterable(kinds))
        return method

    return mark


class Core:
    """Base of all cores: dispatch by exact message type, and nothing else.

    The first message is always ``Started``, with the open values saved under the kinds that
    ``RECOVERS`` names. A first start is a recovery from nothing.
    """

    RECOVERS: ClassVar[tuple[str, ...]] = ()
    """Kinds of saved state that this core is given when it starts."""

    KEEPS_EACH_SERIES: ClassVar[bool] = False
    """Whether it keeps something per series, and so must be restarted when the set of series
    changes."""

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        self.role = role
        self.settings = settings
        self.dice = dice
        self._handled_at_ms = 0

    def __getstate__(self) -> dict[str, Any]:
        """State for a copy, without whatever a drill has put in front of ``handle``."""
        return {name: value for name, value in vars(self).items() if name != "handle"}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # An override of a handler is the handler, whether or not it is marked again.
        table = {kind: getattr(cls, method.__name__) for kind, method in cls._handlers.items()}
        for method in vars(cls).values():
            for message_type in getattr(method, "handled_types", ()):
                table[message_type] = method
        cls._handlers = table

    @classmethod
    def accepts(cls, message_type: type) -> bool:
        """Whether this core has a handler for the message type."""
        return message_type in cls._handlers

    @property
    def is_serving(self) -> bool:
        """Whether the actor has everything it needs to do its work; shown by ``understudy ps``."""
        return True

    def clock_set_back(self, by_ms: int) -> None:
        """React to a backward correction of venue time, so that nothing waits for it to catch up.

        A core that stores an instant in order to measure a duration moves that instant back by the
        same amount; timers are not affected. Instants that mean a time of day (the end of a window
        or of an order's time to live) stay.
        """

    def take_settings(self, message: SettingsReplaced, now_ms: int) -> Effects:
        """Use these settings from now on; a core that derives values from them overrides this."""
        del now_ms
        self.settings = message.settings
        return []

    _handlers: ClassVar[Mapping[type, Callable[..., Effects]]] = {SettingsReplaced: take_settings}

    def handle(self, message: object, now_ms: int) -> Effects:
        """Handle one message at one instant of venue time; return the effects, in order.

        Raises:
            UnknownMessage: no handler for the message's type.
        """
        if now_ms < self._handled_at_ms:
            self.clock_set_back(self._handled_at_ms - now_ms)
        self._handled_at_ms = now_ms
        handler = self._handlers.get(type(message))
        if handler is None:
            raise UnknownMessage(f"{self.role} does not understand {type(message).__name__}")
        return handler(self, message, now_ms)


def earlier(at_ms: int | None, by_ms: int) -> int | None:
    """Move an instant back, for ``Core.clock_set_back``; None stays None."""
    return None if at_ms is None else at_ms - by_ms


def require(condition: bool, text: str) -> None:
    """Raise if one of our own invariants is broken; unlike ``assert``, also under ``python -O``.

    Raises:
        AssertionError: the condition does not hold.
    """
    if not condition:
        raise AssertionError(text)
