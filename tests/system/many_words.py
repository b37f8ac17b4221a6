"""Run as a program: actors say much to each other at once; prints whether all came in order."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from thespian.actors import Actor, ActorAddress

from actors.runtime import process_ties, thespian_hooks
from actors.runtime.sockets.directory import SocketDirectory
from actors.runtime.unix_system import system_over

WORDS = 3_000
LONG = 300_000
"""Bytes of a word that no socket buffer takes in one piece."""
LIMIT_S = 60.0


class Listener(Actor):
    """Says every word back, and keeps them."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[int] = []

    def receiveMessage(self, msg: object, sender: ActorAddress) -> None:  # noqa: N802 # Thespian's
        if isinstance(msg, tuple):
            self.heard.append(msg[0])
            self.send(sender, msg[0])
        elif msg == "heard":
            self.send(sender, self.heard)


class Speaker(Actor):
    """Says all its words from one handler, and tells when all have come back."""

    def __init__(self) -> None:
        super().__init__()
        self.echoes: list[int] = []

    def receiveMessage(self, msg: object, sender: ActorAddress) -> None:  # noqa: N802 # Thespian's
        if isinstance(msg, int):
            self.echoes.append(msg)
            if len(self.echoes) == WORDS:
                self.send(self.asker, self.echoes)
        elif isinstance(msg, ActorAddress):
            self.asker = sender
            for number in range(WORDS):
                self.send(msg, (number, b"." * (LONG if number % 1_000 == 7 else number % 200)))


if __name__ == "__main__":
    thespian_hooks.install()
    process_ties.tie_children_to_parents()
    system = system_over(SocketDirectory.make(Path(sys.argv[1])))
    try:
        listener, speaker = system.createActor(Listener), system.createActor(Speaker)
        echoes = system.ask(speaker, listener, timedelta(seconds=LIMIT_S))
        heard = system.ask(listener, "heard", timedelta(seconds=LIMIT_S))
        in_order = list(range(WORDS))
        sys.stdout.write(f"heard {heard == in_order} echoed {echoes == in_order}")
    finally:
        system.shutdown()
