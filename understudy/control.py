"""Requests to a running system: one JSON line each way, over a local socket.

The socket is in the data directory, which is private to its user. The kernel says who is at the
other end: a system answers its own user and root, and a command talks to the directory's owner
only. The socket is reached through the directory's descriptor (``/proc/self/fd/<n>/control.sock``),
because a socket's address may have 107 bytes at most and a data directory's path may be longer.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from actors.runtime.sockets.peer import peer_of
from understudy.data_dir.privacy import NotPrivate, see_who_is_spoken_to

SOCKET_NAME = "control.sock"

_PATIENCE_S = 5.0
"""Longest wait for the other side's line."""
_LINE_LIMIT_BYTES = 1 << 20
_CLIENTS_MAX = 32
"""Clients answered at once; more wait. One that hangs after connecting is dropped after the
patience."""
_ACCEPT_AGAIN_S = 0.1

Reply = dict[str, Any]
Handler = Callable[[dict[str, Any]], Reply]


class ControlError(Exception):
    """The running system did not do what it was asked; the sentence is its own."""


class NotOurs(ControlError):
    """The directory, or the process that answers there, is another user's: nothing was sent."""


class NotRunning(Exception):
    """Nothing answers for this data directory."""


@contextlib.contextmanager
def _opened(data_dir: Path) -> Iterator[int]:
    descriptor = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _short_address(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}/{SOCKET_NAME}"


def _read_line(connection: socket.socket) -> dict[str, Any]:
    """Read one JSON object.

    Raises:
        ValueError: the line is too long, cut off or not JSON.
        TypeError: it is JSON, but not an object.
        OSError: the other side went away or was too slow.
    """
    with connection.makefile("rb") as stream:
        line = stream.readline(_LINE_LIMIT_BYTES)
    if not line.endswith(b"\n"):
        raise ValueError("the line was cut off")
    value = json.loads(line)
    if not isinstance(value, dict):
        raise TypeError("the line holds no JSON object")
    return value


def _write_line(connection: socket.socket, value: Mapping[str, Any]) -> None:
    connection.sendall(json.dumps(value).encode() + b"\n")


def _refuse_strangers(connection: socket.socket) -> None:
    uid = peer_of(connection).uid
    if uid not in (os.geteuid(), 0):
        raise ValueError(f"it came from user id {uid}")


class ControlServer:
    """Answers commands, each in a thread of its own, until it is closed.

    So a client that hangs, or a slow request, delays no halt. The caller holds the data directory's
    lock: a socket file found there is a dead process's. Handlers return the contents of the reply.
    """

    def __init__(self, data_dir: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = data_dir / SOCKET_NAME
        self._handlers = handlers
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._places = threading.BoundedSemaphore(_CLIENTS_MAX)
        self._is_closed = False

    def start(self) -> None:
        """Bind the socket, for this user only, and begin to answer.

        Raises:
            OSError: the directory does not accept a socket.
        """
        self._path.unlink(missing_ok=True)
        with _opened(self._path.parent) as descriptor:
            self._listener.bind(_short_address(descriptor))
        self._path.chmod(0o600)
        self._listener.listen()
        self._thread.start()

    def close(self) -> None:
        """Stop answering and remove the socket; a second call changes nothing."""
        self._is_closed = True
        if self._thread.is_alive():
            self._listener.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            with contextlib.suppress(OSError):  # a full disk's error; the next run removes it
                self._path.unlink(missing_ok=True)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if self._is_closed:
                    return
                time.sleep(_ACCEPT_AGAIN_S)  # no descriptor was free, or the client has left
                continue
            connection.settimeout(_PATIENCE_S)
            self._places.acquire()
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                _refuse_strangers(connection)
                _write_line(connection, self._reply(_read_line(connection)))
            except (OSError, ValueError, TypeError) as error:
                logging.getLogger(__name__).warning("a control request was dropped: %s", error)
            finally:
                self._places.release()

    def _reply(self, request: dict[str, Any]) -> Reply:
        command = request.get("command")
        handler = self._handlers.get(command) if isinstance(command, str) else None
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            return {"error": f"unknown command {command!r}: known are {known}"}
        try:
            return handler(request)
        except Exception as error:
            logging.getLogger(__name__).exception("control command %s failed", command)
            return {"error": f"{command} failed: {error}"}


def ask(data_dir: Path, command: str, **arguments: object) -> Reply:
    """Ask the system that runs on a data directory.

    Raises:
        NotRunning: nothing answers there.
        NotOurs: the directory, or the process that answers there, is another user's.
        ControlError: it answered that it could not.
    """
    try:
        with (
            _opened(data_dir) as descriptor,
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection,
        ):
            _see_that_it_is_ours(data_dir, descriptor)
            connection.settimeout(_PATIENCE_S)
            connection.connect(_short_address(descriptor))
            if peer_of(connection).uid != os.fstat(descriptor).st_uid:
                raise NotOurs(f"{data_dir}: another user's process answers there: not asked")
            _write_line(connection, {"command": command, **arguments})
            reply = _read_line(connection)
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        raise NotRunning(f"no understudy runs on {data_dir}") from None
    except (OSError, ValueError, TypeError) as error:
        raise NotRunning(f"the understudy on {data_dir} does not answer: {error}") from None
    if "error" in reply:
        raise ControlError(reply["error"])
    return reply


def _see_that_it_is_ours(data_dir: Path, descriptor: int) -> None:
    """Check that a directory is this user's, and that its socket is one.

    Raises:
        NotOurs: they are not.
        FileNotFoundError: there is no socket.
    """
    try:
        see_who_is_spoken_to(data_dir, os.fstat(descriptor).st_uid)
    except NotPrivate as problem:
        raise NotOurs(str(problem)) from None
    entry = os.stat(SOCKET_NAME, dir_fd=descriptor, follow_symlinks=False)
    if not stat.S_ISSOCK(entry.st_mode):
        raise NotOurs(f"{data_dir / SOCKET_NAME} is not the socket of a system: remove it")
