"""The terminal's live view, drawn by a thread of its own so that nothing ever waits for it."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.live import Live

from understudy.display.console import render
from understudy.display.screen import Screen
from understudy.display.status import Status

_LAST_FRAME_S = 2.0
"""How long closing the view may take; a terminal that accepts nothing is then left as it is."""


class LiveView:
    """Shows each status on the whole terminal while its block lasts; without a terminal, nothing.

    A terminal that is gone or accepts nothing (Ctrl-S, a hung connection), or a status that cannot
    be drawn, neither raises nor delays the caller.
    """

    def __init__(
        self, is_terminal: bool, tell: Callable[[str], None], console: Console | None = None
    ) -> None:
        """Prepare; nothing is shown yet.

        Args:
            is_terminal: whether there is a terminal to show it on.
            tell: called with one text for each problem, from the view's own thread.
            console: what to draw on; stdout's terminal if None.
        """
        self._is_terminal = is_terminal
        self._tell = tell
        self._told = ""
        self._console = console
        self._newest: Status | None = None
        self._is_over = False
        self._has_news = threading.Event()
        self._thread = threading.Thread(target=self._draw_on, name="view", daemon=True)

    def __enter__(self) -> Self:
        if self._is_terminal:
            self._thread.start()
        return self

    def __exit__(self, *_what: object) -> None:
        if self._is_terminal:
            self._is_over = True
            self._has_news.set()
            self._thread.join(_LAST_FRAME_S)

    def show(self, status: Status) -> None:
        """Replace the status to be drawn; one not drawn yet is skipped."""
        self._newest = status
        self._has_news.set()

    # On the view's thread

    def _draw_on(self) -> None:
        try:
            console = self._console or _own_console()
            live = Live(
                console=console,
                screen=True,
                auto_refresh=False,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            with live:
                while not self._is_over:
                    self._has_news.wait()
                    self._has_news.clear()
                    self._draw_newest(live)
        except OSError as error:
            self._tell(f"the terminal cannot be written to, so nothing is shown: {error}")
        except Exception:
            self._tell(f"the view has ended: {traceback.format_exc()}")

    def _draw_newest(self, live: Live) -> None:
        status = self._newest
        if status is None:
            return
        try:
            live.update(render(status), refresh=True)
        except OSError:
            raise
        except Exception:
            problem = traceback.format_exc()
            if problem != self._told:
                self._told = problem
                self._tell(f"the view could not be drawn: {problem}")


def _own_console() -> Console:
    """Stdout's terminal, through a file object of its own.

    A fork while sys.stdout is being written to would leave its lock held in the child for ever.
    """
    stdout = sys.stdout
    descriptor = os.dup(stdout.fileno())
    own = open(descriptor, "w", encoding=stdout.encoding, errors=stdout.errors)  # noqa: PTH123,SIM115 # no path; as long as the view
    return Screen(file=own)
