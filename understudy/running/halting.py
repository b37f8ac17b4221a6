"""Carries halt, resume and flatten from people to the desk, and watches the kill-switch file.

Control requests arrive on a thread of their own, and only the foreground's loop may talk to actors.
So a request waits here for the next beat, and for the desk's answer.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import cattrs

from actors.directory.windows import WindowState
from actors.execution.desk_state import DeskState
from actors.messages.halts import (
    KILL_SWITCH,
    OPERATOR,
    PAGE,
    FlattenHoldings,
    GetHalts,
    Halt,
    HaltStatus,
    HaltTrading,
    ResumeTrading,
)
from actors.roles import DESK
from actors.runtime.journal import JournalReader
from understudy.control import Handler, Reply
from understudy.data_dir.kill_switch import KILL_SWITCH_NAME, kill_switch_halt, kill_switch_reason

_PATIENCE_S = 4.0
"""How long the desk may take; less than a control request's limit."""
_ASK_S = 0.3

Question = Callable[..., object]
"""Makes the message to the desk from a request's number, its ``request_id``."""


class Asker(Protocol):
    """Something that can ask an actor: ``ActorTree``."""

    def ask_role(self, role: str, message: object, wanted: type, patience_s: float) -> Any:
        """Ask the actor of a role for an answer of a type; None if none comes in time."""
        ...


class _Waiting:
    """A question, and its answer once there is one."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.deadline = time.monotonic() + _PATIENCE_S
        self.is_answered = threading.Event()
        self.answer: HaltStatus | None = None


class HaltControl:
    """Carries people's requests to the desk, and halts it while the kill switch is pulled."""

    def __init__(self, data_dir: Path, series: Sequence[str] = ()) -> None:
        """Begin without any request.

        Args:
            data_dir: where the kill-switch file would be.
            series: names of the traded series; a request may name one of them.
        """
        self._data_dir = data_dir
        self.series = tuple(series)
        self._waiting: deque[_Waiting] = deque()
        self._request_id = 0
        self._is_switch_told = False

    # On the foreground's loop

    def beat(self, tree: Asker) -> None:
        """Check for the kill-switch file, and pass waiting requests to the desk."""
        self._look_at_switch(tree)
        for _ in range(len(self._waiting)):
            each = self._waiting.popleft()
            each.answer = self._ask(tree, each.question)
            if each.answer is not None:
                each.is_answered.set()
            elif time.monotonic() < each.deadline:
                self._waiting.append(each)

    def _look_at_switch(self, tree: Asker) -> None:
        reason = kill_switch_reason(self._data_dir)
        if reason is None:
            self._is_switch_told = False
        elif not self._is_switch_told:
            status = self._ask(tree, partial(kill_switch_halt, reason))
            halts = () if status is None else status.halts
            self._is_switch_told = any(halt.who == KILL_SWITCH for halt in halts)

    def _ask(self, tree: Asker, question: Question) -> HaltStatus | None:
        self._request_id += 1
        status = tree.ask_role(DESK, question(request_id=self._request_id), HaltStatus, _ASK_S)
        is_ours = isinstance(status, HaltStatus) and status.request_id == self._request_id
        return status if is_ours else None

    # On the control thread

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The control commands, by name."""
        return {
            "halt": self._of_known_series(self._on_halt),
            "resume": self._of_known_series(self._on_resume),
            "flatten": self._of_known_series(self._on_flatten),
            "halts": lambda _request: self._reply(GetHalts),
        }

    def _of_known_series(self, handler: Handler) -> Handler:
        """Refuse a request that names a series which is not traded here."""

        def handle(request: dict[str, Any]) -> Reply:
            series = _series(request)
            if series and series not in self.series:
                return {"error": f"{series} is not traded here: {', '.join(self.series)} is"}
            return handler(request)

        return handle

    def _on_halt(self, request: dict[str, Any]) -> Reply:
        return self._reply(partial(HaltTrading, cancel=bool(request["cancel"]), **_said(request)))

    def _on_resume(self, request: dict[str, Any]) -> Reply:
        if kill_switch_reason(self._data_dir) is not None:
            path = self._data_dir / KILL_SWITCH_NAME
            return {"error": f"the kill-switch file {path} is still there: remove it first"}
        self._is_switch_told = False  # a new file halts again
        return self._reply(partial(ResumeTrading, **_said(request)))

    def _on_flatten(self, request: dict[str, Any]) -> Reply:
        return self._reply(partial(FlattenHoldings, **_said(request)))

    def _reply(self, question: Question) -> Reply:
        waiting = _Waiting(question)
        self._waiting.append(waiting)
        waiting.is_answered.wait(_PATIENCE_S)
        if waiting.answer is None:
            return {"error": f"the desk has not answered for {_PATIENCE_S:g} s"}
        reply: Reply = cattrs.unstructure(waiting.answer)
        return reply


def _said(request: Mapping[str, Any]) -> dict[str, Any]:
    """Who asked (the page or, as commands do not say, a command), why, and for which series.

    An empty series stands for all of them.
    """
    who = PAGE if request.get("who") == PAGE else OPERATOR
    return {"who": who, "reason": str(request["reason"]), "series": _series(request)}


def _series(request: Mapping[str, Any]) -> str:
    """The series that is meant; empty means all."""
    return str(request.get("series") or "")


def lasting_halts(reader: JournalReader) -> tuple[Halt, ...]:
    """The halts in force, from the desk's record.

    Raises:
        JournalError: it cannot be read.
    """
    return _desk_state(reader).halts


def stopped_windows(reader: JournalReader, now_ms: int) -> tuple[str, ...]:
    """Describe windows that are still open but no longer traded, and why.

    Raises:
        JournalError: a record cannot be read.
    """
    stopped: list[str] = []
    for market_id, desk_window in _desk_state(reader).windows.items():
        if not desk_window.stop_reason:
            continue
        stopped += [
            f"{window.market.slug} is stopped: {desk_window.stop_reason}"
            for window in reader.states("window", market_id, open_only=False)
            if isinstance(window, WindowState) and window.market.closes_at_ms > now_ms
        ]
    return tuple(stopped)


def _desk_state(reader: JournalReader) -> DeskState:
    for state in reader.states("desk", "desk", open_only=False):
        if isinstance(state, DeskState):
            return state
    return DeskState()


def halts_json(halts: tuple[Halt, ...]) -> list[dict[str, Any]]:
    """Describe the halts for programs."""
    return [cattrs.unstructure(halt) for halt in halts]
