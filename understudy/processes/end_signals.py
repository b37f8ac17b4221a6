"""Which signals end a run, and how: each of them lets it end its orders first."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, Self

_HARMLESS = {
    signal.SIGCHLD,
    signal.SIGCONT,
    signal.SIGURG,
    signal.SIGWINCH,
    signal.SIGPIPE,  # Python ignores this one and the next, and raises OSError in their place
    signal.SIGXFSZ,
}
_UNCATCHABLE = {signal.SIGKILL, signal.SIGSTOP}
_OF_BROKEN_CODE = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
"""After one of these nothing can be relied on; a handler in Python would never run."""
SUSPENDING = frozenset({signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
"""What a terminal suspends a process with. The actors would trade on without anyone who looks at
the kill switch or answers ``understudy halt``, so a run ignores them."""
ENDING = frozenset(signal.valid_signals() - _HARMLESS - _UNCATCHABLE - _OF_BROKEN_CODE - SUSPENDING)
"""Every signal whose default is to end the process, SIGHUP, SIGINT, SIGQUIT and SIGTERM among
them (signal(7))."""


class EndSignals:
    """Within the block, notes the first signal that asks for the end, and survives them all.

    Further signals change nothing: the end they ask for is already under way and has a limit.
    """

    def __init__(self) -> None:
        self.name = ""
        """The first signal's; empty while nothing has asked for the end."""
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in ENDING:
            self._before[number] = signal.signal(number, self._note)
        for number in SUSPENDING:
            self._before[number] = signal.signal(number, signal.SIG_IGN)
        return self

    def __exit__(self, *_what: object) -> None:
        self.let_go()

    def let_go(self) -> None:
        """Give every signal its former meaning back; said again, it changes nothing."""
        for number, handler in self._before.items():
            # None: it was not set from Python, and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before.clear()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.name = self.name or _name_of(number)


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal without a name
        return f"signal {number}"


async def until_told(work: Coroutine[None, None, None]) -> None:
    """Work until SIGINT or SIGTERM ends it."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
