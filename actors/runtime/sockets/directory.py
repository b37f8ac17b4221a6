"""The directory of a run's sockets, which only this user can enter.

It is in the data directory, and every process of the run keeps it open. A socket is reached through
the descriptor (``/proc/self/fd/<n>/<name>``), for two reasons: an address has at most 107 bytes and
a data directory's path may have more, and whatever replaces the directory later has no effect.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from pathlib import Path

from actors.runtime.sockets.peer import peer_of

SOCKETS_NAME = "sockets"

_BACKLOG = 1024
"""Greater than the number of pairs of processes in a run."""


class SocketsNotPrivate(Exception):
    """The directory cannot be made, or is accessible to others; the sentence says what to do."""


class PeerGone(Exception):
    """No one listens at a socket, or not its owner."""


class SocketDirectory:
    """The sockets of one instance of the actor system."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def make(cls, data_dir: Path) -> SocketDirectory:
        """Make the directory, or use the existing one after removing the contents of past runs.

        The caller holds the data directory's lock.

        Raises:
            SocketsNotPrivate: it is not a directory of this user alone.
        """
        path = data_dir / SOCKETS_NAME
        try:
            with contextlib.suppress(FileExistsError):
                path.mkdir(mode=0o700)
        except OSError as problem:
            raise SocketsNotPrivate(f"{path} cannot be made: {problem.strerror}") from None
        made = cls.find(data_dir)
        try:
            made._clear()
        except SocketsNotPrivate:
            made.leave()
            raise
        return made

    @classmethod
    def find(cls, data_dir: Path) -> SocketDirectory:
        """Open the existing directory without changing it.

        Raises:
            SocketsNotPrivate: it is missing, or not a directory of this user alone.
        """
        path = data_dir / SOCKETS_NAME
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as problem:
            why = f"{path} cannot be opened as a directory: {problem.strerror}"
            raise SocketsNotPrivate(why) from None
        found = cls(path, descriptor)
        try:
            found._examine()
        except SocketsNotPrivate:
            found.leave()
            raise
        return found

    def _examine(self) -> None:
        found = os.fstat(self._descriptor)
        if found.st_uid != os.geteuid():
            raise SocketsNotPrivate(f"{self.path} belongs to another user: remove it")
        mode = stat.S_IMODE(found.st_mode)
        if mode & 0o077:
            raise SocketsNotPrivate(
                f"{self.path} can be reached by others (mode {mode:04o}): remove it"
            )

    def _clear(self) -> None:
        try:
            for name in os.listdir(self._descriptor):  # noqa: PTH208 # a path may be another's by now
                os.unlink(name, dir_fd=self._descriptor)
        except OSError as problem:
            raise SocketsNotPrivate(f"{self.path} cannot be emptied: {problem.strerror}") from None

    def _address(self, name: str) -> str:
        return f"/proc/self/fd/{self._descriptor}/{name}"

    def listen(self, name: str) -> socket.socket:
        """Open a socket under a name that was never used in this directory.

        Raises:
            OSError: the file system does not support sockets, or the name is in use.
        """
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.setblocking(False)
            listener.bind(self._address(name))
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener

    def connect(self, name: str, pid: int | None) -> socket.socket:
        """Connect to the process that listens at a name.

        Args:
            name: name of the socket.
            pid: process id of its owner, if known.

        Raises:
            BlockingIOError: too many connections wait to be accepted there; try again.
            PeerGone: no one listens, or another process does.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            connection.connect(self._address(name))
            listening = peer_of(connection)
        except BlockingIOError:
            connection.close()
            raise
        except OSError as problem:
            connection.close()
            raise PeerGone(f"no one listens at {name}: {problem.strerror}") from None
        if listening.uid != os.geteuid() or pid not in (None, listening.pid):
            connection.close()
            raise PeerGone(f"process {listening.pid} listens at {name}")
        return connection

    def remove(self, name: str) -> None:
        """Remove a socket at which no one listens any more."""
        if self._descriptor >= 0:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._descriptor)

    def close(self) -> None:
        """Remove all sockets and close the directory; a second call has no effect."""
        if self._descriptor >= 0:
            self._clear()
            self.leave()

    def leave(self) -> None:
        """Close the directory without removing the sockets of others."""
        os.close(self._descriptor)
        self._descriptor = -1
