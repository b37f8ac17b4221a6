"""The bytes of a recording: segments of zstd that contain batches of records. docs/recordings.md.

A *segment* is a mark and one zstd frame. The frame is flushed after each *batch*: the records
written at one time, with their length and checksum. So everything ever flushed can be read, even if
the writer crashed. Damage costs the rest of its own segment and nothing of any other.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence

import attrs
import zstandard

from research.recordings.model import RecordedFrame

MARK = struct.pack("<II", 0x184D2A5B, 8) + b"UNDY-REC"
"""Starts each segment: a frame that zstd skips."""
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
END_OF_FRAME = b"\x01\x00\x00"
"""An empty last block: ends a zstd frame that its writer did not end."""
_FRAME_HEADER_MAX = 18

_BATCH = struct.Struct("<IIqqd")
_RECORD = struct.Struct("<BBHII")
_BATCH_SPAN_NS_MAX = 2**32 - 1
_LEVEL = 1


class DamagedSegment(Exception):
    """A segment cannot be read to its end; says why, and at which offset in it if known."""


@attrs.frozen
class Segment:
    """A segment's place in a file, in bytes."""

    start: int
    """Start of its mark."""
    content: int
    """Start of its zstd frame."""
    end: int
    """End of its last whole block."""
    is_whole: bool
    """Whether its zstd frame was ended."""


class SegmentWriter:
    """Writes one segment; each call returns the bytes to append."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(
            level=_LEVEL, write_content_size=False, write_checksum=False
        ).compressobj()

    def begin(self) -> bytes:
        """Return the segment's mark."""
        return MARK

    def batch(self, frames: Sequence[RecordedFrame], speed: float) -> bytes:
        """Return the bytes that store these frames, in the order of receipt.

        Args:
            frames: at least one, received within four seconds.
            speed: venue seconds per second of the machine.
        """
        first = min(frames, key=_monotonic_ns)
        base_ns = first.monotonic_ns
        parts = [b""]
        for frame in sorted(frames, key=_monotonic_ns):
            offset_ns = frame.monotonic_ns - base_ns
            length = len(frame.payload)
            head = (frame.channel, frame.flags, frame.connection, offset_ns, length)
            parts += (_RECORD.pack(*head), frame.payload)
        records = b"".join(parts)
        header = _BATCH.pack(len(records), 0, first.received_ns, base_ns, speed)
        check = zlib.crc32(records, zlib.crc32(header))
        header = _BATCH.pack(len(records), check, first.received_ns, base_ns, speed)
        packed = self._compressor.compress(header + records)
        return packed + self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def end(self) -> bytes:
        """Return the bytes that end the segment."""
        return self._compressor.flush()


def split_by_span(frames: Sequence[RecordedFrame]) -> Iterator[Sequence[RecordedFrame]]:
    """Divide frames, in the order of receipt, into runs that each fit one batch."""
    start = 0
    for place, frame in enumerate(frames):
        if frame.monotonic_ns - frames[start].monotonic_ns > _BATCH_SPAN_NS_MAX:
            yield frames[start:place]
            start = place
    if frames:
        yield frames[start:]


def segment_at(data: bytes, start: int) -> Segment | None:
    """Find the ends of the segment whose mark should be at ``start``; None if there is no mark."""
    content = start + len(MARK)
    if data[start:content] != MARK:
        return None
    position = content + _zstd_header_length(data, content)
    if data[content : content + 4] != _ZSTD_MAGIC or position > len(data):
        return Segment(start, content, content, is_whole=False)
    while position + 3 <= len(data):
        head = int.from_bytes(data[position : position + 3], "little")
        is_last, kind, size = head & 1, head >> 1 & 3, head >> 3
        end = position + 3 + (1 if kind == 1 else size)  # block type 1: one byte, repeated
        if end > len(data) or kind == 3:
            break
        position = end
        if is_last:
            return Segment(start, content, position, is_whole=True)
    return Segment(start, content, position, is_whole=False)


def last_flush(data: bytes, segment: Segment) -> int | None:
    """Where the last whole batch of a truncated segment ends in the file; None if it has none."""
    found = None
    content = bytearray()
    for end, piece in _decompressed_by_blocks(data[segment.content : segment.end]):
        content += piece
        while len(content) >= _BATCH.size:
            length = _BATCH.size + int(_BATCH.unpack_from(content)[0])
            if length > len(content):
                break
            del content[:length]
            # Each flush ends a block, and no other batch begins in that block.
            found = segment.content + end
    return found


def batches_of(
    data: bytes, segment: Segment, *, is_torn: bool = False
) -> Iterator[list[RecordedFrame]]:
    """Read a segment's batches.

    Args:
        data: the file.
        segment: the segment to read.
        is_torn: whether its writer may have been cut off, so that its end may be missing.

    Raises:
        DamagedSegment: raised after the last whole batch; what follows is damaged.
    """
    content, problem = _decompressed(data, segment)
    position = 0
    while position + _BATCH.size <= len(content):
        length, check, received_ns, monotonic_ns, speed = _BATCH.unpack_from(content, position)
        start = position + _BATCH.size
        end = start + length
        if end > len(content):
            if not is_torn:
                raise DamagedSegment("it ends in the middle of a batch")
            return
        header = _BATCH.pack(length, 0, received_ns, monotonic_ns, speed)
        if zlib.crc32(memoryview(content)[start:end], zlib.crc32(header)) != check:
            raise DamagedSegment("a checksum does not match its data")
        yield _records(content, start, end, received_ns, monotonic_ns, speed)
        position = end
    if problem:
        raise DamagedSegment(problem)


def _records(
    content: bytes, start: int, end: int, received_ns: int, monotonic_ns: int, speed: float
) -> list[RecordedFrame]:
    unpack, size = _RECORD.unpack_from, _RECORD.size
    frames = []
    position = start
    while position < end:
        channel, flags, connection, offset_ns, length = unpack(content, position)
        begin = position + size
        position = begin + length
        since_ns = offset_ns if speed == 1.0 else round(offset_ns * speed)
        frames.append(
            RecordedFrame(
                channel,
                flags,
                connection,
                received_ns + since_ns,
                monotonic_ns + offset_ns,
                content[begin:position],
            )
        )
    return frames


def _decompressed(data: bytes, segment: Segment) -> tuple[bytes, str]:
    """Return everything that can be decompressed, and the problem with the rest; empty if none."""
    packed = data[segment.content : segment.end]
    try:
        return zstandard.ZstdDecompressor().decompressobj().decompress(packed), ""
    except zstandard.ZstdError as error:
        whole = b"".join(piece for _, piece in _decompressed_by_blocks(packed))
        return whole, f"zstd: {error}"


def _decompressed_by_blocks(packed: bytes) -> Iterator[tuple[int, bytes]]:
    """Decompress block by block up to the first bad one; return each block's end and contents."""
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    position, end = 0, _zstd_header_length(packed, 0)
    while position < len(packed):
        try:
            piece = decompressor.decompress(packed[position:end])
        except zstandard.ZstdError:
            return
        yield end, piece
        position = end
        head = int.from_bytes(packed[position : position + 3], "little")
        end = position + 3 + (1 if head >> 1 & 3 == 1 else head >> 3)


def _zstd_header_length(data: bytes, start: int) -> int:
    """Length of a zstd frame's header (RFC 8878, 3.1.1.1)."""
    if start + 5 > len(data):
        return _FRAME_HEADER_MAX
    descriptor = data[start + 4]
    is_single, size_flag = descriptor >> 5 & 1, descriptor >> 6
    size_bytes = (1 if is_single else 0, 2, 4, 8)[size_flag]
    return 5 + (0 if is_single else 1) + (0, 1, 2, 4)[descriptor & 3] + size_bytes


def _monotonic_ns(frame: RecordedFrame) -> int:
    return frame.monotonic_ns
