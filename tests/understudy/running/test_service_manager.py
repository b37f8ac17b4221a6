from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from scenes import child
from watched import WELL

from actors.supervision.messages import ChildState
from understudy.running.service_manager import ServiceManager

US = 1_000_000


class Systemd:
    """The socket that a service manager listens on."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)

    def heard(self) -> list[str]:
        words = []
        try:
            while True:
                words += self._socket.recv(4_096).decode().splitlines()
        except BlockingIOError:
            return words

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    listener = Systemd(str(tmp_path / "notify"))
    yield listener
    listener.close()


def test_it_is_ready_once_every_permanent_actor_is_up(systemd: Systemd) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": systemd.address})
    starting = attrs.evolve(
        WELL, children=(*WELL.children, child("desk", state=ChildState.STARTING))
    )
    manager.beat(None)
    manager.beat(starting)
    manager.beat(attrs.evolve(WELL, children=()))
    assert systemd.heard() == []
    waiting = attrs.evolve(WELL, children=(*WELL.children, child("desk", state=ChildState.WAITING)))
    manager.beat(waiting)
    manager.beat(waiting)
    assert systemd.heard() == ["READY=1", "STATUS=8 actors are up"]


def test_orders_that_start_keep_nobody_from_being_ready(systemd: Systemd) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": systemd.address})
    order = child("order/1", state=ChildState.STARTING)
    manager.beat(attrs.evolve(WELL, children=(*WELL.children, order)))
    assert systemd.heard()[0] == "READY=1"


def test_the_watchdog_is_told_within_half_its_time_and_not_at_each_turn(systemd: Systemd) -> None:
    often = ServiceManager({"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "1"})
    rarely = ServiceManager({"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": str(3_600 * US)})
    for _ in range(3):
        often.beat(None)
    assert systemd.heard() == ["WATCHDOG=1"] * 3
    for _ in range(3):
        rarely.beat(None)
    assert systemd.heard() == ["WATCHDOG=1"]


@pytest.mark.parametrize("variables", [{}, {"WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}])
def test_a_watchdog_that_is_not_this_processs_is_not_told(
    systemd: Systemd, variables: dict[str, str]
) -> None:
    watchdog = {"WATCHDOG_USEC": "1"} if "WATCHDOG_PID" in variables else {}
    manager = ServiceManager({"NOTIFY_SOCKET": systemd.address, **watchdog, **variables})
    manager.beat(None)
    manager.ending("SIGTERM", 90)
    assert not [words for words in systemd.heard() if "WATCHDOG" in words]


def test_an_end_says_how_long_it_may_take(systemd: Systemd) -> None:
    manager = ServiceManager(
        {
            "NOTIFY_SOCKET": systemd.address,
            "WATCHDOG_USEC": str(3_600 * US),
            "WATCHDOG_PID": str(os.getpid()),
        }
    )
    manager.ending("the desk\ncrashed", 90)
    assert systemd.heard() == [
        "STOPPING=1",
        "STATUS=ending: the desk crashed",
        "WATCHDOG_USEC=90000000",
        "EXTEND_TIMEOUT_USEC=90000000",
    ]


def test_an_abstract_address_is_understood() -> None:
    listener = Systemd(f"@understudy-test-{os.getpid()}")
    ServiceManager({"NOTIFY_SOCKET": listener.address}).beat(WELL)
    assert "READY=1" in listener.heard()
    listener.close()


def test_a_manager_that_is_gone_disturbs_nothing(tmp_path: Path) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "1"})
    manager.beat(WELL)
    manager.ending("SIGTERM", 1)


def test_without_a_manager_nothing_is_said() -> None:
    manager = ServiceManager({})
    manager.beat(WELL)
    manager.ending("SIGTERM", 1)


def test_the_actors_do_not_inherit_the_runs_word() -> None:
    variables = {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "HOME": "/"}
    ServiceManager(variables)
    assert variables == {"HOME": "/"}


def test_without_a_free_descriptor_nothing_is_said_and_nothing_else_stops(
    systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": systemd.address})

    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as scarce:
        scarce.setattr(socket, "socket", refuse)
        manager.ending("SIGTERM", 1.0)
    assert systemd.heard() == []
