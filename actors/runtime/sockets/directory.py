"""The directory of a run's sockets, which nobody but this user can enter.

It lies in the data directory, and every process of the run holds it open: a socket is reached
through the descriptor (``/proc/self/fd/<n>/<name>``), because its address may have 107 bytes at
most and a data directory's path may have more, and because what is put in the directory's place
meanwhile is then nobody's.
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
"""More connections than a run has pairs of processes may wait to be accepted."""


class SocketsNotPrivate(Exception):
    """The directory cannot be made, or others can reach it; the sentence says what to do."""


class PeerGone(Exception):
    """Nobody listens at a socket, or not the one who made it."""


class SocketDirectory:
    """Holds the sockets of one life of the actor system."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def make(cls, data_dir: Path) -> SocketDirectory:
        """Make the directory, or take the one that is there; remove what past runs left in it.

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
        """Open the directory that is there, and change nothing in it.

        Raises:
            SocketsNotPrivate: it is not a directory of this user alone, or not there.
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
        """Open a socket of a name that nobody has had in this directory.

        Raises:
            OSError: the file system does not take sockets, or the name is taken.
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
            name: of the socket.
            pid: of its owner, if known.

        Raises:
            BlockingIOError: too many wait to be accepted there; try again.
            PeerGone: nobody listens, or somebody else does.
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
            raise PeerGone(f"nobody listens at {name}: {problem.strerror}") from None
        if listening.uid != os.geteuid() or pid not in (None, listening.pid):
            connection.close()
            raise PeerGone(f"process {listening.pid} listens at {name}")
        return connection

    def remove(self, name: str) -> None:
        """Remove a socket that nobody listens at any more."""
        if self._descriptor >= 0:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._descriptor)

    def close(self) -> None:
        """Remove all sockets and let go of the directory; a second call changes nothing."""
        if self._descriptor >= 0:
            self._clear()
            self.leave()

    def leave(self) -> None:
        """Let go of the directory, and leave in it what others have there."""
        os.close(self._descriptor)
        self._descriptor = -1
