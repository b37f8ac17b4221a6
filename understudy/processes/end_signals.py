"""The signals that end a run; each lets it end its orders first."""

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
"""Signals with which a terminal suspends a process. The actors would trade on while nothing checks
the kill switch or answers ``understudy halt``, so a run ignores them."""
ENDING = frozenset(signal.valid_signals() - _HARMLESS - _UNCATCHABLE - _OF_BROKEN_CODE - SUSPENDING)
"""Every signal that ends the process by default, including SIGHUP, SIGINT, SIGQUIT and SIGTERM
(signal(7))."""


class EndSignals:
    """Within the block, notes the first signal that asks for the end, and survives all signals.

    Further signals change nothing: the end is already under way and has a limit.
    """

    def __init__(self) -> None:
        self.name = ""
        """Name of the first signal; empty while there was none."""
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
        """Restore the former handlers; a second call changes nothing."""
        for number, handler in self._before.items():
            # None: the handler was not set from Python, and cannot be restored.
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
    """Run a coroutine until it ends, or SIGINT or SIGTERM arrives."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
