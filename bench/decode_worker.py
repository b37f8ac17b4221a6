"""One side of the decoding comparison, as a process that follows frames and reports the time.

Needs the standard library only, so that it also runs in the other library's environment. It reads
frames from a file, one per line, and then commands from stdin: ``time`` follows all frames with
fresh books and answers the seconds; ``best`` does so untimed and answers the best prices after
each.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

Best = tuple[float | int | None, float | int | None]
"""Best bid and ask of the token that the last frame was about."""

Follow = Callable[[bytes], Best]
"""Decode a frame, apply it to the books, look at the best prices."""


def serve(new_follower: Callable[[], Follow]) -> None:
    """Answer commands until stdin ends."""
    frames = Path(sys.argv[1]).read_bytes().splitlines()
    for command in sys.stdin:
        follow = new_follower()
        if command.strip() == "time":
            print(_seconds(follow, frames), flush=True)
        else:
            print(json.dumps([_in_ticks(follow(frame)) for frame in frames]), flush=True)


def _seconds(follow: Follow, frames: Iterable[bytes]) -> float:
    began = time.perf_counter()
    for frame in frames:
        follow(frame)
    return time.perf_counter() - began


def _in_ticks(best: Best) -> list[int | None]:
    return [None if price is None else round(price) for price in best]
