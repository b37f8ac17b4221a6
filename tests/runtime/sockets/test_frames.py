"""The bytes between processes: greetings of this run alone, and frames however they are cut."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.sockets.frames import (
    FRAME_BYTES_MAX,
    GREETING_BYTES,
    FrameReader,
    Greeting,
    RefusedFrame,
    framed,
    greeting,
    read_greeting,
)

KEY = b"k" * 32
SAID = Greeting(sender="4711-0a1b2c3d4e5f6071", pid=4711, count=17)


def test_a_greeting_comes_back() -> None:
    raw = greeting(KEY, SAID, "desk")
    assert len(raw) == GREETING_BYTES
    assert read_greeting(KEY, raw, "desk") == SAID


@pytest.mark.parametrize(
    ("key", "recipient"), [(b"o" * 32, "desk"), (KEY, "executor")], ids=["another run", "other"]
)
def test_a_greeting_holds_for_one_run_and_one_recipient(key: bytes, recipient: str) -> None:
    with pytest.raises(RefusedFrame, match="without this run's seal for this socket"):
        read_greeting(key, greeting(KEY, SAID, "desk"), recipient)


@given(at=st.integers(0, GREETING_BYTES - 1), bit=st.integers(0, 7))
def test_a_changed_bit_breaks_the_seal(at: int, bit: int) -> None:
    raw = bytearray(greeting(KEY, SAID, "desk"))
    raw[at] ^= 1 << bit
    with pytest.raises(RefusedFrame):
        read_greeting(KEY, bytes(raw), "desk")


@given(st.binary(max_size=2 * GREETING_BYTES))
def test_whatever_is_no_greeting_is_refused(raw: bytes) -> None:
    with pytest.raises(RefusedFrame):
        read_greeting(KEY, raw, "desk")


@given(bodies=st.lists(st.binary(max_size=40), min_size=1, max_size=8), data=st.data())
def test_frames_that_come_together_or_in_pieces_all_arrive_in_order(
    bodies: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(map(framed, bodies))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6).map(sorted))
    reader = FrameReader()
    taken = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        taken += reader.take(stream[start:end])
    assert taken == bodies


def test_a_long_frame_is_asked_for_in_large_pieces_and_never_more_than_a_megabyte() -> None:
    reader = FrameReader()
    assert reader.wanted_bytes == 65_536
    reader.take(struct.pack(">I", 300_000))
    assert reader.wanted_bytes == 300_000
    reader.take(b"." * 290_000)
    assert reader.wanted_bytes == 65_536
    another = FrameReader()
    another.take(struct.pack(">I", FRAME_BYTES_MAX))
    assert another.wanted_bytes == 1 << 20


@given(st.integers(FRAME_BYTES_MAX + 1, 2**32 - 1))
def test_a_frame_that_says_to_be_longer_than_any_message_is_refused(length: int) -> None:
    with pytest.raises(RefusedFrame, match="at most 67,108,864"):
        FrameReader().take(struct.pack(">I", length))


def test_those_before_a_refused_one_still_count() -> None:
    reader = FrameReader()
    assert reader.take(framed(b"first") + b"\xff" * 8) == [b"first"]
    with pytest.raises(RefusedFrame):
        reader.take(b"")


def test_a_message_that_no_recipient_would_take_is_not_sent() -> None:
    class Long(bytes):
        def __len__(self) -> int:
            return FRAME_BYTES_MAX + 1

    with pytest.raises(ValueError, match="a message of 67,108,865 bytes"):
        framed(Long())
