"""The interfaces of a host's surroundings: post, journal, timers, clock, port and watches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import attrs

from actors.core import Core, Effect, Record
from actors.runtime.port import HostPort


class RunningHost(Protocol):
    """A host, as its watches and ports see it."""

    role: str
    generation: int
    core: Core | None
    port: HostPort | None
    reply_to: Any
    """Sender of the message being handled, addressed as the role ``REPLY``; the post's own."""

    @property
    def is_running(self) -> bool:
        """Whether there is a core that can handle messages."""
        ...

    def end(self) -> None:
        """Stop acting; what was recorded and sent remains."""
        ...


class HostPost(Protocol):
    """Delivers messages to the current actor of a role, at most once."""

    def send(self, sender: RunningHost, to: str, message: object) -> None:
        """Send a message; it is lost if nobody has the role."""
        ...


class HostJournal(Protocol):
    """One role's access to the journal."""

    def claim(self) -> int:
        """Take the role under a new generation."""
        ...

    def record(self, record: Record, at_ms: int) -> object:
        """Append an event and store its saves; durable on return."""
        ...

    def load(self, kind: str, key: str | None = None) -> tuple[object, ...]:
        """Values of a kind whose rows are open, oldest change first; of one key, if given."""
        ...

    def recall(self, kind: str, key: str) -> object | None:
        """The value of one row, open or closed; None if there is none."""
        ...


class HostTimers(Protocol):
    """One role's timers; their owner hands the host ``TimerFired`` when one expires."""

    def set(self, key: str, delay_ms: int) -> None:
        """Set the key's timer to this much venue time from now, replacing an earlier one."""
        ...

    def cancel(self, key: str) -> None:
        """Cancel the key's timer."""
        ...

    def clear(self) -> None:
        """Cancel all."""
        ...


class HostClock(Protocol):
    """Venue time as this host's process knows it."""

    offset_ms: int
    """The correction in force, as measured by the directory."""

    def now_ms(self) -> int:
        """Venue time in ms since 1970."""
        ...


class HostWatch:
    """Observes every step of a host. Does nothing itself: subclass it to record, check or disturb.

    An exception from one of its methods is not caught: it ends the process of the host.
    """

    def made(self, host: RunningHost) -> None:
        """A core was made for this generation; its first message is yet to come."""

    def hears(self, host: RunningHost, message: object, now_ms: int) -> None:
        """The core is about to handle a message."""

    def decided(self, host: RunningHost, effects: Sequence[Effect]) -> None:
        """The core has handled it; none of its effects has been performed yet."""

    def performs(self, host: RunningHost, effect: Effect) -> None:
        """An effect is about to be performed; if the host is ended here, it will not be."""

    def performed(self, host: RunningHost, effect: Effect) -> None:
        """An effect was performed; a record is durable."""

    def handled(self, host: RunningHost, message: object) -> None:
        """All effects of a message were performed."""

    def raised(self, host: RunningHost, message: object, error: Exception) -> None:
        """The core raised on a message, or one of its effects could not be performed.

        An UnknownMessage is logged and the core lives on; after anything else the host is down.
        """


class Hooks:
    """The methods of a watch that do something, bound; None for each that does not.

    Hosts take many steps and most watches care about few of them; the others are not called.
    """

    def __init__(self, watch: HostWatch) -> None:
        self.hears = watch.hears if _does("hears", watch) else None
        self.decided = watch.decided if _does("decided", watch) else None
        self.performs = watch.performs if _does("performs", watch) else None
        self.performed = watch.performed if _does("performed", watch) else None
        self.handled = watch.handled if _does("handled", watch) else None


def _does(hook: str, watch: HostWatch) -> bool:
    """Whether a watch overrides the method for a step."""
    method = getattr(watch, hook)
    return getattr(method, "__func__", method) is not getattr(HostWatch, hook)


class HostWatches(HostWatch):
    """Several watches, called in order."""

    def __init__(self, *each: HostWatch) -> None:
        self._each = each
        for hook in ("hears", "decided", "performs", "performed", "handled"):
            telling = tuple(getattr(one, hook) for one in each if _does(hook, one))
            if telling:
                vars(self)[hook] = telling[0] if len(telling) == 1 else _telling(telling)

    def made(self, host: RunningHost) -> None:
        """Call all."""
        for each in self._each:
            each.made(host)

    def raised(self, host: RunningHost, message: object, error: Exception) -> None:
        """Call all."""
        for each in self._each:
            each.raised(host, message, error)


def _telling(methods: tuple[Callable[..., None], ...]) -> Callable[..., None]:
    def tell(*arguments: object) -> None:
        for method in methods:
            method(*arguments)

    return tell


def no_port() -> None:
    """Make no port: most actors have none."""


def nothing_first() -> Sequence[object]:
    """Return no opening messages: most actors need none."""
    return ()


@attrs.define(kw_only=True)
class HostContext:
    """Everything that a host is given."""

    make_core: Callable[[int], Core]
    """Makes the core of a generation."""
    post: HostPost
    journal: HostJournal
    timers: HostTimers
    clock: HostClock
    log: Callable[[str, str], None]
    """Writes a log line: level and text."""
    pid: int = 0
    is_live: bool = False
    """Whether orders are real: then the executor must be told that something was not recorded."""
    stays_without_journal: bool = False
    """Whether the core goes on when it cannot record, or read its rows. It is given JournalFailed,
    and has to do without records from then on."""
    make_port: Callable[[], HostPort | None] = no_port
    opening: Callable[[], Sequence[object]] = nothing_first
    """Messages for the core right after Started, before any from others."""
    watch: HostWatch = attrs.field(factory=HostWatch)
