"""The wire format between two processes of a run: a greeting, then frames.

A connection carries frames in one direction. It begins with a greeting of ``GREETING_BYTES``,
sealed with the run's key (keyed BLAKE2b, RFC 7693), which names sender and recipient and counts the
sender's connections:

    8 bytes   "undrstd1"
    8 bytes   count, unsigned and big-endian; greater for each new connection of a sender
    4 bytes   process id of the sender
    40 bytes  name of the sender's socket, ASCII, padded with NUL
    32 bytes  seal of the above and of the recipient's name

From then on the kernel guarantees that the connection belongs to these two processes, so frames
have no seals: each is its length, 4 bytes unsigned and big-endian, followed by that many bytes.
"""

from __future__ import annotations

import hmac
import struct
from hashlib import blake2b

import attrs

FRAME_BYTES_MAX = 64 << 20
"""Far more than the longest message; a longer frame is refused."""
NAME_BYTES_MAX = 40

_MAGIC = b"undrstd1"
_FIELDS = struct.Struct(f">8sQI{NAME_BYTES_MAX}s")
_SEAL_BYTES = 32
GREETING_BYTES = _FIELDS.size + _SEAL_BYTES
_LENGTH = struct.Struct(">I")
_READ_BYTES = 65_536
"""Number of bytes read from a socket at a time, usually all that it holds."""
_READ_BYTES_MAX = 1 << 20


class RefusedFrame(Exception):
    """Data that no process of this run would send; the sentence says why."""


@attrs.frozen
class Greeting:
    """The sender of a connection."""

    sender: str
    """Name of its socket."""
    pid: int
    count: int
    """Greater than in all its earlier connections to any recipient."""


def _seal(key: bytes, fields: bytes, recipient: str) -> bytes:
    return blake2b(fields + recipient.encode(), key=key, digest_size=_SEAL_BYTES).digest()


def greeting(key: bytes, said: Greeting, recipient: str) -> bytes:
    """Return a greeting to the owner of a socket."""
    fields = _FIELDS.pack(_MAGIC, said.count, said.pid, said.sender.encode())
    return fields + _seal(key, fields, recipient)


def read_greeting(key: bytes, raw: bytes, recipient: str) -> Greeting:
    """Read a greeting that arrived at a recipient's socket.

    Raises:
        RefusedFrame: it is not a greeting, or belongs to another run or another recipient.
    """
    fields, seal = raw[: _FIELDS.size], raw[_FIELDS.size :]
    if not hmac.compare_digest(seal, _seal(key, fields, recipient)):
        raise RefusedFrame("a greeting without this run's seal for this socket")
    _magic, count, pid, name = _FIELDS.unpack(fields)
    return Greeting(sender=name.rstrip(b"\0").decode(), pid=pid, count=count)


def framed(body: bytes) -> bytes:
    """Return a message with its length before it.

    Raises:
        ValueError: it is longer than any recipient accepts.
    """
    if len(body) > FRAME_BYTES_MAX:
        raise ValueError(f"a message of {len(body):,} bytes: at most {FRAME_BYTES_MAX:,} are sent")
    return _LENGTH.pack(len(body)) + body


class FrameReader:
    """Splits received data into frames; buffers no more than has arrived."""

    def __init__(self) -> None:
        self._kept = bytearray()

    @property
    def wanted_bytes(self) -> int:
        """Number of bytes to read from the socket."""
        if len(self._kept) < _LENGTH.size:
            return _READ_BYTES
        length: int = _LENGTH.unpack_from(self._kept)[0]
        missing = _LENGTH.size + length - len(self._kept)
        return min(max(missing, _READ_BYTES), _READ_BYTES_MAX)

    def take(self, data: bytes) -> list[bytes]:
        """Add received data; return the bodies of all frames that are complete now.

        Raises:
            RefusedFrame: the next frame claims to be longer than any message.
        """
        kept = self._kept
        kept += data
        bodies: list[bytes] = []
        start = 0
        while len(kept) - start >= _LENGTH.size:
            begin = start + _LENGTH.size
            length = _LENGTH.unpack_from(kept, start)[0]
            if length > FRAME_BYTES_MAX and not bodies:
                raise RefusedFrame(f"a frame of {length:,} bytes: at most {FRAME_BYTES_MAX:,} are")
            if begin + length > len(kept):
                break  # also before a frame that is too long: those before it count
            start = begin + length
            bodies.append(bytes(kept[begin:start]))
        del kept[:start]
        return bodies
