"""The bytes of a process's socket: garbage, foreign greetings, frames truncated and changed."""

from __future__ import annotations

import os
import random

from actors.runtime.sockets.connections import KnownSenders
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
from bench.fuzz.target import Target, hold

_KEY = bytes(range(32))
_NAME = "4711-00c0ffee"
_BODIES = (b"", b"word", b"." * 300, b"\xff" * 5)


def _said(chance: random.Random) -> Greeting:
    pid = chance.choice((0, 1, os.getpid(), 2**32 - 1))
    return Greeting(sender=f"{pid}-{chance.randrange(9)}", pid=pid, count=chance.randrange(2**64))


def _changed(raw: bytes, chance: random.Random) -> bytes:
    """Bytes with an error: changed bits, a piece too many or too few, or all random."""
    kind = chance.randrange(5)
    at = chance.randrange(len(raw)) if raw else 0
    if kind == 0:
        return raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :]
    if kind == 1:
        return raw[:at] + raw[at + chance.randrange(1, 9) :]
    if kind == 2:
        return raw[:at] + chance.randbytes(chance.randrange(1, 9)) + raw[at:]
    if kind == 3:
        return chance.choice((b"-1>", b"99999999999>", b"POST / HTTP/1.1\r\n")) + raw
    return chance.randbytes(chance.randrange(2 * GREETING_BYTES))


def greetings(chance: random.Random) -> str:
    """Only what was sealed for this recipient is accepted, and nothing twice."""
    said = _said(chance)
    raw = greeting(_KEY, said, _NAME)
    bad = chance.choice(
        (
            _changed(raw, chance)[:GREETING_BYTES],
            greeting(_KEY, said, _NAME + "0"),
            greeting(chance.randbytes(32), said, _NAME),
        )
    )
    known = KnownSenders()
    known.meet(read_greeting(_KEY, raw, _NAME))
    try:
        taken = read_greeting(_KEY, bad, _NAME)
    except RefusedFrame:
        return "refused"
    hold(bad == raw, f"bytes that were not sealed are a greeting of {taken.sender}")
    try:
        known.meet(taken)
    except RefusedFrame:
        return "heard before"
    hold(condition=False, text="a greeting was taken twice")
    return ""


def frames(chance: random.Random) -> str:
    """Whatever arrives, in whatever pieces, memory stays bounded and no frame is changed."""
    sent = [chance.choice(_BODIES) for _ in range(chance.randrange(1, 5))]
    good = b"".join(map(framed, sent))
    bad = _changed(framed(chance.choice(_BODIES)), chance)
    stream, reader, taken = good + bad, FrameReader(), []
    while stream:
        size = min(chance.randrange(1, 200), reader.wanted_bytes)
        hold(0 < size <= 1 << 20, f"{size} bytes asked for")
        piece, stream = stream[:size], stream[size:]
        try:
            taken += reader.take(piece)
        except RefusedFrame:
            hold(taken[: len(sent)] == sent, "good frames before a bad one are lost or changed")
            return "refused"
    hold(taken[: len(sent)] == sent, "good frames before a bad one are lost or changed")
    hold(all(len(body) <= FRAME_BYTES_MAX for body in taken), "a frame longer than any message")
    return "read"


TARGETS = (Target("greetings", greetings, 3), Target("frames", frames, 3))
