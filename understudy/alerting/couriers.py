"""Starts deliveries without waiting for them: one process each, ended if it takes too long."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping

import attrs

from actors.runtime.process_ties import end_with_parent
from understudy.alerting.deliver import Delivery
from understudy.alerting.queues import Message
from understudy.processes.isolation import module_command

LIMIT_S = 30.0
_OUR_PREFIX, _DRILL_MARK = "UNDERSTUDY_", "UNDERSTUDY_DRILL"
"""Variables of ours, which may hold secrets; a delivery does not need them."""
_WORDS: Mapping[int, str] = {
    Delivery.REFUSED: "the server refused it or cannot be reached",
    Delivery.NOT_AN_ADDRESS: "apprise does not know what to do with the address",
    Delivery.NO_APPRISE: "apprise is not installed: pip install 'understudy[alerts]'",
}


@attrs.frozen(kw_only=True)
class Attempt:
    """The outcome of one delivery."""

    name: str
    """The name under which it was started."""
    problem: str
    """Why it failed; empty if it did not."""


@attrs.define
class _UnderWay:
    process: subprocess.Popen[bytes]
    deadline_s: float


class Couriers:
    """The deliveries under way, at most one per name."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._under_way: dict[str, _UnderWay] = {}

    @property
    def busy(self) -> frozenset[str]:
        """Names with a delivery under way."""
        return frozenset(self._under_way)

    def send(self, name: str, url: str, message: Message) -> None:
        """Start to deliver a message."""
        self._start(name, {"url": url, "title": message.title, "body": message.body})

    def ping(self, name: str, url: str) -> None:
        """Start to ping an address."""
        self._start(name, {"url": url, "ping": True})

    def _start(self, name: str, asked: Mapping[str, object]) -> None:
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(_OUR_PREFIX) or key == _DRILL_MARK
        }
        process = subprocess.Popen(  # noqa: S603 # our own module
            module_command("understudy.alerting.deliver"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            preexec_fn=end_with_parent(),
        )
        self._under_way[name] = _UnderWay(process, time.monotonic() + self._limit_s)
        pipe = process.stdin
        if pipe is None:
            raise AssertionError("the delivery was started without a pipe")
        try:
            # Less than a pipe holds, so this never waits for the process.
            pipe.write(json.dumps(asked).encode())
            pipe.close()
        except BrokenPipeError:
            process.kill()  # it died as it began; poll() reports it

    def poll(self) -> list[Attempt]:
        """Return the attempts that have ended since the last call; never waits."""
        ended = []
        for name, each in list(self._under_way.items()):
            code = each.process.poll()
            if code is None and time.monotonic() < each.deadline_s:
                continue
            if code is None:
                each.process.kill()
                each.process.wait()
                problem = f"it took longer than {self._limit_s:g} s"
            else:
                problem = "" if code == Delivery.DONE else _WORDS.get(code, f"status {code}")
            del self._under_way[name]
            ended.append(Attempt(name=name, problem=problem))
        return ended

    def close(self) -> None:
        """End every delivery under way."""
        for each in self._under_way.values():
            each.process.kill()
            each.process.wait()
        self._under_way.clear()
