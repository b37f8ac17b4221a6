"""Waiting on many sockets at once."""

from __future__ import annotations

import math
import os
import socket
import threading
from collections.abc import Iterator

import pytest

from actors.runtime.sockets.poller import READABLE, WRITABLE, Poller


@pytest.fixture
def poller() -> Iterator[Poller]:
    made = Poller()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_whoever_waits_is_called_when_it_is_ready_and_not_before(
    poller: Poller, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    called: list[str] = []
    poller.enlist(ours.fileno(), READABLE, lambda: called.append("readable"))
    poller.turn(0.001)
    assert called == []
    theirs.send(b"x")
    poller.turn(math.inf)
    poller.enlist(ours.fileno(), WRITABLE, lambda: called.append("writable"))
    poller.turn(math.inf)
    poller.delist(ours.fileno())
    poller.turn(0.0)
    assert called == ["readable", "writable"]


def test_a_connection_that_breaks_is_told_whatever_it_was_waited_for(
    poller: Poller, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    called: list[str] = []
    poller.enlist(ours.fileno(), 0, lambda: called.append("broken"))
    theirs.close()
    poller.turn(math.inf)
    assert called == ["broken"]


def test_a_watched_descriptor_is_named_until_it_is_no_longer_watched(
    poller: Poller, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    poller.watch(frozenset({ours.fileno()}))
    assert poller.turn(0.0) == []
    theirs.send(b"x")
    assert poller.turn(math.inf) == [ours.fileno()]
    poller.watch(frozenset())
    assert poller.turn(0.0) == []


def test_a_watched_descriptor_that_was_closed_pins_no_core(poller: Poller) -> None:
    descriptor = os.dup(0)
    poller.watch(frozenset({descriptor}))
    os.close(descriptor)
    assert poller.turn(math.inf) == []
    assert poller.turn(0.001) == []


def test_it_is_woken_by_another_thread_and_by_what_that_enlists(
    poller: Poller, pair: tuple[socket.socket, socket.socket]
) -> None:
    turns = [threading.Event(), threading.Event()]

    def wait() -> None:
        for over in turns:
            poller.turn(math.inf)
            over.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    poller.wake()
    assert turns[0].wait(30)
    while not turns[1].wait(0.01):
        poller.enlist(pair[0].fileno(), WRITABLE, lambda: None)
    waiting.join()


def test_a_signal_that_comes_after_its_end_does_nothing() -> None:
    poller = Poller()
    poller.close()
    poller.wake()
