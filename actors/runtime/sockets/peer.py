"""The process at the other end of a local socket, as reported by the kernel."""

from __future__ import annotations

import socket
import struct

import attrs

_CREDENTIALS = struct.Struct("iII")
"""Linux's ``struct ucred``: process id, user id, group id."""


@attrs.frozen
class PeerProcess:
    """The process that connected or, at a connecting socket, the one that listens."""

    pid: int
    """0 for a process that is invisible to this one, such as one outside its container."""
    uid: int


def peer_of(connection: socket.socket) -> PeerProcess:
    """Return the peer at the time it connected or listened (SO_PEERCRED, see unix(7)).

    Raises:
        OSError: the socket is not connected, or not a local one.
    """
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _gid = _CREDENTIALS.unpack(raw)
    return PeerProcess(pid=pid, uid=uid)
