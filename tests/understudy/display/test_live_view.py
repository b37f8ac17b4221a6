"""The live view follows a run, and can neither end it nor hold it up."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

import pytest
from rich.console import Console
from scenes import report, view

from understudy.display.live_view import LiveView
from understudy.display.status import Status
from understudy.drill.processes import wait_for

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
LIMIT_S = 30.0
STATUS = Status(view=view(), report=report(), now_ms=0, speed=1.0)


def on(screen: io.StringIO) -> Console:
    return Console(file=screen, force_terminal=True, width=120, height=40)


def until(look: Callable[[], object]) -> None:
    assert wait_for(look, LIMIT_S)


def test_without_a_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveView(is_terminal=False, tell=print) as live:
        live.show(STATUS)
    assert capsys.readouterr().out == ""


def test_a_terminal_is_left_as_it_was_found() -> None:
    screen = io.StringIO()
    with LiveView(is_terminal=True, tell=print, console=on(screen)) as live:
        live.show(STATUS)
        until(lambda: "btc-updown-15m-1750000500" in screen.getvalue())
        assert ENTER in screen.getvalue()
        assert LEAVE not in screen.getvalue()
    assert screen.getvalue().count(LEAVE) == 1


class Broken(io.StringIO):
    """A terminal that takes nothing but an error."""

    def flush(self) -> None:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_is_gone_is_told_of_once_and_raises_nothing() -> None:
    told: list[str] = []
    with LiveView(is_terminal=True, tell=told.append, console=on(Broken())) as live:
        until(lambda: told)
        for _ in range(3):
            live.show(STATUS)
    assert len(told) == 1
    assert "Input/output error" in told[0]


def test_a_status_that_cannot_be_drawn_is_told_of_once_and_the_next_is_drawn() -> None:
    told: list[str] = []
    screen = io.StringIO()
    with LiveView(is_terminal=True, tell=told.append, console=on(screen)) as live:
        for _ in range(3):
            live.show(Status(view=view(), report=None, now_ms="now", speed=1.0))  # type: ignore[arg-type]
            until(lambda: told)
        live.show(STATUS)
        until(lambda: "btc-updown-15m-1750000500" in screen.getvalue())
    assert len(told) == 1
    assert "Traceback" in told[0]


class Stuck(io.StringIO):
    """A terminal that takes nothing, as after Ctrl-S, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()
        self.is_met = threading.Event()

    def write(self, text: str) -> int:
        self.is_met.set()
        self.let_go.wait(LIMIT_S)
        return super().write(text)


def test_a_terminal_that_takes_nothing_holds_nobody_up() -> None:
    screen = Stuck()
    with LiveView(is_terminal=True, tell=print, console=on(screen)) as live:
        live.show(STATUS)
        assert screen.is_met.wait(LIMIT_S)
        for _ in range(100):
            live.show(STATUS)
    assert not screen.let_go.is_set()  # the block was left all the same
    screen.let_go.set()
