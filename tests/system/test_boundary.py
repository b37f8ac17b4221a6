"""No process listens on a port, and what strangers say to its socket does nothing."""

from __future__ import annotations

import contextlib
import pickle
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from onlookers import Onlooker

from actors.runtime.log import LOG_NAME
from actors.runtime.sockets.directory import SOCKETS_NAME
from understudy.control import ask
from understudy.drill.system import PERMANENT, Seen

pytestmark = pytest.mark.processes

LISTENING = "0A"
SILENT_COUNT = 40
"""Of connections to each socket that say nothing."""


def sockets_of(pid: int) -> set[str]:
    """Inodes of a process's sockets; none if it is over, as an order's may be at any time."""
    links = []
    with contextlib.suppress(FileNotFoundError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                links.append(str(descriptor.readlink()))
    return {found[1] for link in links if (found := re.fullmatch(r"socket:\[(\d+)\]", link))}


def listening() -> Iterator[str]:
    """Inode of every TCP socket that listens, of both families."""
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == LISTENING:
                yield columns[9]


class Touch:
    """Unpickling one of these makes a file: proof that it was unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, (str(self.path), "w"))


def words_of_strangers(proof: Path) -> list[bytes]:
    """What ended, hung or filled processes once, and pickles that must not be opened."""
    body = pickle.dumps(Touch(proof))
    return [
        b"-1>",
        b"99999999999>",
        body,
        b"\0" * 200 + body,
        len(body).to_bytes(4, "big") + body,
        b"POST / HTTP/1.1\r\n\r\n" + b"." * 1_000_000,
        b"\xff" * 4,
    ]


def sockets(trading: Onlooker) -> list[Path]:
    return sorted((trading.system.data_dir / SOCKETS_NAME).iterdir())


def connection_to(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    connection.connect(str(path))
    return connection


def refused_count(trading: Onlooker) -> int:
    count = ask(trading.system.data_dir, "ps")["refused_count"]
    assert isinstance(count, int)
    return count


def test_no_process_listens_on_a_port(trading: Onlooker) -> None:
    trading.until_whole()
    listeners = set(listening())
    for pid in trading.system.pids():
        assert sockets_of(pid)
        assert not sockets_of(pid) & listeners


def test_the_sockets_are_this_users_alone(trading: Onlooker) -> None:
    trading.until_whole()
    assert len(sockets(trading)) > len(PERMANENT)
    assert (trading.system.data_dir / SOCKETS_NAME).stat().st_mode & 0o077 == 0


def test_what_strangers_say_is_counted_and_logged_and_every_actor_still_answers(
    trading: Onlooker, tmp_path: Path
) -> None:
    before = trading.until_whole()
    refused_before = refused_count(trading)
    proof = tmp_path / "unpickled"
    with contextlib.ExitStack() as held:
        for path in sockets(trading):
            for said in words_of_strangers(proof):
                with contextlib.suppress(OSError), connection_to(path) as connection:
                    connection.sendall(said)
            for _ in range(SILENT_COUNT):
                with contextlib.suppress(OSError):  # an order's, which has ended
                    held.enter_context(connection_to(path))
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
    spoken = len(PERMANENT) * len(words_of_strangers(proof))
    trading.until("they are counted", lambda: refused_count(trading) >= refused_before + spoken)
    log = (trading.system.data_dir / LOG_NAME).read_text()
    assert re.search(r"WARNING desk +refused a ", log)
