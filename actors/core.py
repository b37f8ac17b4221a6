"""What every actor's core is: state, and ``handle(message, now_ms) -> effects``.

A core is a plain object. It imports no actor library, socket, clock, randomness or file: time
comes in with each message, dice are handed to it, and what it wants done goes out as effects,
which its stage performs in order. The same core therefore runs in a Thespian process (live and
paper trading) and in the virtual-time scheduler (simulation), and a test needs no harness.
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
    """The only source of chance a core may use; ``random.Random`` is one."""

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...

    def getrandbits(self, bits: int, /) -> int:
        """Return a non-negative integer below ``2**bits``."""
        ...


class Send(msgspec.Struct, frozen=True):
    """Tell another role something. Delivered at most once, in no promised order."""

    to: str
    message: object


class Save(msgspec.Struct, frozen=True):
    """The present value of one thing an actor owns, kept so that a restart finds it.

    The latest value of a (``kind``, ``key``) replaces the one before. ``is_open`` False keeps the
    row for readers, but a restart no longer loads it: restart costs what is open.
    """

    kind: str
    key: str
    value: object
    is_open: bool = True


class Record(msgspec.Struct, frozen=True):
    """Append ``event`` to the journal and store ``saves``, in one transaction.

    It is durable before the effect after it is performed; if it fails, nothing after it is.
    """

    event: object
    saves: tuple[Save, ...] = ()


class SetTimer(msgspec.Struct, frozen=True):
    """Send the core ``TimerFired(key)`` after a delay of venue time; replaces an earlier one."""

    key: str
    delay_ms: int


class CancelTimer(msgspec.Struct, frozen=True):
    """Forget a timer, if it is running."""

    key: str


class Command(msgspec.Struct, frozen=True):
    """Something for the actor's own port (a websocket, HTTP) to do."""

    command: object


class Recall(msgspec.Struct, frozen=True):
    """Give the core ``Recalled``: a row that was not loaded, as it is now."""

    kind: str
    key: str
    about: object
    """What the core was told that made it ask; comes back with the row."""


class Log(msgspec.Struct, frozen=True):
    """One line for the people who run this: ``level`` is "info", "warning" or "error"."""

    level: str
    text: str


class Stop(msgspec.Struct, frozen=True):
    """The actor has finished; it leaves and is not made again."""

    reason: str


Effect = Send | Record | Recall | SetTimer | CancelTimer | Command | Log | Stop
Effects = list[Effect]


class UnknownMessage(Exception):
    """A core was sent a message that it has no handler for."""


_Method = TypeVar("_Method", bound=Callable[..., Effects])


def handles(*message_types: type | UnionType) -> Callable[[_Method], _Method]:
    """Mark a core's method as the handler of these exact message types, or of all of a union."""

    def mark(method: _Method) -> _Method:
        kinds = (get_args(each) or (each,) for each in message_types)
        method.__dict__["handled_types"] = tuple(chain.from_iterable(kinds))
        return method

    return mark


class Core:
    """Base of all cores: dispatch by exact message type, and nothing else.

    The first message is always ``Started``, with whatever was saved under the kinds that
    ``RECOVERS`` names: a first start is a recovery from nothing.
    """

    RECOVERS: ClassVar[tuple[str, ...]] = ()
    """Kinds of saved state that this core is given at its start."""

    KEEPS_EACH_SERIES: ClassVar[bool] = False
    """It keeps something of every series: where others are traded from now on, it is made anew."""

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        self.role = role
        self.settings = settings
        self.dice = dice
        self._handled_at_ms = 0

    def __getstate__(self) -> dict[str, Any]:
        """State for a copy: what a drill puts before ``handle`` is no part of it."""
        return {name: value for name, value in vars(self).items() if name != "handle"}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # A method that overrides a handler is the handler, marked again or not.
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
        """Whether the actor has all it needs to do its work; shown by ``understudy ps``."""
        return True

    def clock_set_back(self, by_ms: int) -> None:
        """Venue time was corrected backwards: it may run back, and what is waited for must not.

        A core that notes when something happened, or is due, in order to measure a span of time
        moves these moments back by as much; timers run on as they would have. Moments that mean a
        time of day (the end of a window, of an order's time to live) stay.
        """

    def take_settings(self, message: SettingsReplaced, now_ms: int) -> Effects:
        """Decide by other settings from now on; whoever keeps something made of them extends it."""
        del now_ms
        self.settings = message.settings
        return []

    _handlers: ClassVar[Mapping[type, Callable[..., Effects]]] = {SettingsReplaced: take_settings}

    def handle(self, message: object, now_ms: int) -> Effects:
        """Take one message at one instant of venue time; return what is to be done, in order.

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
    """A moment moved back, for ``Core.clock_set_back``; None stays."""
    return None if at_ms is None else at_ms - by_ms


def require(condition: bool, text: str) -> None:
    """Stop at a broken promise of our own; kept under ``python -O``, unlike ``assert``.

    Raises:
        AssertionError: the condition does not hold.
    """
    if not condition:
        raise AssertionError(text)
