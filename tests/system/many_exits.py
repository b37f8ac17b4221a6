"""Run as a program: kills several children of one actor at once, prints how many it was told of."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

from thespian.actors import Actor, ActorAddress, ActorExitRequest, ActorSystem, ChildActorExited

from actors.runtime import process_ties, thespian_hooks
from actors.runtime.sockets.directory import SocketDirectory
from actors.runtime.unix_system import system_over

CHILDREN = 10
LIMIT_S = 10.0


class Child(Actor):
    def receiveMessage(self, msg: object, sender: ActorAddress) -> None:  # noqa: N802 # Thespian's
        if msg == "pid":
            self.send(sender, os.getpid())


class Parent(Actor):
    def __init__(self) -> None:
        super().__init__()
        self.gone: list[ActorAddress] = []
        self.pids: list[int] = []

    def receiveMessage(self, msg: object, sender: ActorAddress) -> None:  # noqa: N802 # Thespian's
        if isinstance(msg, ChildActorExited):
            if not any(known == msg.childAddress for known in self.gone):
                self.gone.append(msg.childAddress)
        elif isinstance(msg, int):
            self.pids.append(msg)
            if len(self.pids) == CHILDREN:
                self.send(self.asker, self.pids)
        elif msg == "bear":
            self.asker = sender
            for _ in range(CHILDREN):
                self.send(self.createActor(Child), "pid")
        elif msg == "count":
            self.send(sender, len(self.gone))


def told_of(system: ActorSystem, pause_s: float) -> int:
    """Kill all children of a new parent, half of them a little later; count what it hears."""
    parent = system.createActor(Parent)
    pids = system.ask(parent, "bear", timedelta(seconds=LIMIT_S))
    for pid in pids[: CHILDREN // 2]:
        os.kill(pid, signal.SIGKILL)
    time.sleep(pause_s)
    for pid in pids[CHILDREN // 2 :]:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + LIMIT_S
    count = 0
    while count < CHILDREN and time.monotonic() < deadline:
        count = system.ask(parent, "count", timedelta(seconds=LIMIT_S))
    system.tell(parent, ActorExitRequest())
    return count


if __name__ == "__main__":
    if "--as-thespian-is" not in sys.argv:
        thespian_hooks.install()
    process_ties.tie_children_to_parents()
    system = system_over(SocketDirectory.make(Path(sys.argv[1])))
    try:
        counts = [told_of(system, pause_ms / 1000) for pause_ms in range(6)]
        sys.stdout.write(" ".join(map(str, counts)))
    finally:
        system.shutdown()
