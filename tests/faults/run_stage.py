"""Whole runs with signed orders, as a person starts them: from a terminal, or without one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from live_onlookers import LiveExchange, LiveOnlooker
from onlookers import Onlooker

from actors.messages.execution import OrderStatus
from actors.runtime.process_ties import end_with_parent
from understudy.drill import processes
from understudy.drill.system import DrilledSystem

RESTING = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)
LONG_LIVED = "execution.order_ttl_ms=300000"
"""No order ends by itself during a test."""
GROUPED = "supervision.layout=grouped"
"""Half as many processes; that they end alike in the other layout, tests/system shows."""


class Terminal:
    """A terminal with one command in it, until it is closed."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        self._seen = bytearray()
        self._waiting = b""
        self._unchanged_since_s = 0.0
        self._is_closing = threading.Event()
        self.takes_more = threading.Event()
        """Unset it, and the terminal takes nothing, as after Ctrl-S."""
        self.takes_more.set()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        """Show what comes; a descriptor that another thread reads from would not be closed."""
        while not self._is_closing.is_set():
            if not self.takes_more.wait(0.05):
                continue
            ready, _, _ = select.select([self._ours], [], [], 0.05)
            try:
                self._seen += os.read(self._ours, 65_536) if ready else b""
            except OSError:  # nobody is in it any more
                break
        os.close(self._ours)

    @property
    def text(self) -> str:
        """All that was ever written to it."""
        return self._seen.decode(errors="replace")

    def is_full(self) -> bool:
        """Whether something waits in it, and nothing was added for two seconds."""
        waiting = fcntl.ioctl(self._ours, termios.FIONREAD, b"\0" * 4)
        if waiting != self._waiting:
            self._waiting, self._unchanged_since_s = waiting, time.monotonic()
        return any(waiting) and time.monotonic() - self._unchanged_since_s > 2.0

    def close(self) -> None:
        """Do what closing its window does: whoever is in it is hung up on."""
        self._is_closing.set()
        self._reader.join()


class SystemInTerminal(DrilledSystem):
    """A run that somebody started in a terminal, and watches there."""

    terminal: Terminal
    encoding = "utf-8"

    def start(self) -> None:
        """Start it in a new terminal, which it is the only one to hold."""
        self.terminal = Terminal()
        theirs = self.terminal.theirs

        tie = end_with_parent()

        def take_terminal() -> None:
            tie()
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        # -E would pass over the encoding; a person who starts the command gives no such flag.
        command = [word for word in self._command if word != "-E"]
        self._process = subprocess.Popen(
            [*command, *(word for word in self._options if word != "--json")],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={
                **os.environ,
                "TERM": "xterm",
                "PYTHONIOENCODING": self.encoding,
                processes.MARK: self.mark,
            },
            start_new_session=True,
            preexec_fn=take_terminal,
        )
        os.close(theirs)

    def last_words(self) -> str:
        """What it wrote last."""
        return self.terminal.text[-2_000:]


class LiveRun(LiveOnlooker):
    """A run with signed orders that rest until somebody takes them back."""

    def __init__(
        self,
        exchange: LiveExchange,
        data_dir: Path,
        *settings: str,
        kind: type[DrilledSystem] = DrilledSystem,
    ) -> None:
        super().__init__(exchange, data_dir, LONG_LIVED, GROUPED, *settings, kind=kind)

    def until_an_order_rests(self) -> None:
        """Wait until the exchange has an order of ours that it has not matched."""
        self.until_whole()
        self.until_an_order_is(*RESTING)
        self.until("the exchange has it", lambda: self.books().open_ids)

    def until_an_order_is_new(self) -> None:
        """Wait until an order is made that did not exist before."""
        known = self.orders().keys()
        self.until("a new order is made", lambda: self.orders().keys() - known)

    def tell_all(self, number: signal.Signals) -> None:
        """Send a signal to every process of the run, the foreground's among them."""
        processes.send(number, self.system.pids())

    def is_stopped(self) -> bool:
        """Whether the foreground process is stopped."""
        stat = Path(f"/proc/{self.system.foreground_pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def let_pass(self, seconds: float) -> None:
        """Let the run be for so long by its own clock."""
        until_s = time.monotonic() + seconds
        self.until("time has passed", lambda: time.monotonic() >= until_s)

    def assert_ended_in_order(self, code: int) -> None:
        """It must end by itself, with nothing at the exchange and no process left."""
        assert self.system.wait_for_end(60.0) == code, self.system.last_words()
        assert self.system.outliving() == frozenset()
        assert self.books().open_ids == frozenset()


@contextlib.contextmanager
def watched(onlooker: Onlooker) -> Iterator[None]:
    """Start a run, and leave nothing of it behind."""
    onlooker.system.start()
    try:
        yield
    finally:
        onlooker.system.kill_all()
        if isinstance(onlooker.system, SystemInTerminal):
            onlooker.system.terminal.close()
        assert onlooker.system.outliving() == frozenset()
