"""Nothing listens off loopback, and what is not sealed does nothing."""

from __future__ import annotations

import contextlib
import pickle
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from onlookers import Onlooker

from understudy.drill.recovery import PERMANENT
from understudy.drill.system import Seen

pytestmark = pytest.mark.processes

LISTENING = "0A"
LOOPBACK = "0100007F"


def sockets_of(pid: int) -> set[str]:
    """Inodes of a process's sockets; none if it is over, as an order's may be at any time."""
    links = []
    with contextlib.suppress(FileNotFoundError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                links.append(str(descriptor.readlink()))
    return {found[1] for link in links if (found := re.fullmatch(r"socket:\[(\d+)\]", link))}


def listening() -> Iterator[tuple[str, str, int]]:
    """Inode, address in hexadecimal and port of every TCP socket that listens, of both families."""
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            address, _, port = columns[1].partition(":")
            if columns[3] == LISTENING:
                yield columns[9], address, int(port, 16)


def listeners(pid: int) -> set[tuple[str, int]]:
    """Addresses and ports at which a process listens, or could: forks inherit their parent's."""
    inodes = sockets_of(pid)
    return {(address, port) for inode, address, port in listening() if inode in inodes}


class Touch:
    """Unpickling one of these makes a file: proof that it was unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, (str(self.path), "w"))


def frames(proof: Path) -> list[bytes]:
    body = pickle.dumps(Touch(proof))
    zero_seal = b"\0" * 16 + body
    return [
        body,
        b"%d>" % len(body) + body,
        b"%d>" % len(zero_seal) + zero_seal,
        b"not a size>" + body,
    ]


def test_every_listener_is_on_loopback(trading: Onlooker) -> None:
    seen = trading.until_whole()
    actors = {child.pid for child in seen.children if child.role in PERMANENT}
    for pid in trading.system.pids():
        assert {address for address, _port in listeners(pid)} <= {LOOPBACK}
    for pid in actors | {seen.supervisor_pid, seen.admin_pid}:
        assert listeners(pid)


def test_an_unsealed_pickle_does_nothing_and_every_actor_still_answers(
    trading: Onlooker, tmp_path: Path
) -> None:
    before = trading.until_whole()
    proof = tmp_path / "unpickled"
    ports = {port for pid in trading.system.pids() for _address, port in listeners(pid)}
    assert len(ports) > len(PERMANENT)
    for port in ports:
        for frame in frames(proof):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(frame)
    permanent = [child for child in before.children if child.role in PERMANENT]

    def answered() -> Seen | None:
        seen = trading.system.look()
        rows = [seen.child(child.role) if seen is not None else None for child in permanent]
        have_answered = all(
            row is not None and row.handled_count > child.handled_count
            for row, child in zip(rows, permanent, strict=True)
        )
        return seen if have_answered else None

    after = trading.until("every actor has taken more messages", answered)
    assert not proof.exists()
    assert (after.supervisor_pid, after.admin_pid) == (before.supervisor_pid, before.admin_pid)
    for child in permanent:
        row = after.child(child.role)
        assert row is not None
        assert row.pid == child.pid
