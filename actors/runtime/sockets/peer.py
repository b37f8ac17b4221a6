"""Who is at the other end of a local socket, as the kernel tells it."""

from __future__ import annotations

import socket
import struct

import attrs

_CREDENTIALS = struct.Struct("iII")
"""Linux's ``struct ucred``: process id, user id, group id."""


@attrs.frozen
class PeerProcess:
    """The process that connected; at a connecting socket, the one that listens."""

    pid: int
    """0 for a process that this one cannot see, such as one outside of its container."""
    uid: int


def peer_of(connection: socket.socket) -> PeerProcess:
    """Ask who connected, or listened, when it did (SO_PEERCRED, see unix(7)).

    Raises:
        OSError: the socket is not connected, or not a local one.
    """
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _gid = _CREDENTIALS.unpack(raw)
    return PeerProcess(pid=pid, uid=uid)
