"""What a process has in its memory, as root or its own user may look (Linux)."""

from __future__ import annotations

import contextlib
from pathlib import Path


def is_in_memory(pid: int, key: bytes) -> bool:
    """Whether a process has these bytes, or the number that they are, in memory it may write to."""
    wanted = (key, bytes.fromhex(key.decode()), key.decode().encode("utf-16-le"))
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in maps:
            span, access, *_ = line.split()
            if "w" not in access or "[v" in line:
                continue
            first, last = (int(each, 16) for each in span.split("-"))
            with contextlib.suppress(OSError, ValueError):  # it was unmapped meanwhile
                memory.seek(first)
                content = memory.read(last - first)
                if any(each in content for each in wanted):
                    return True
    return False


def has_open(pid: int, content: bytes) -> bool:
    """Whether a process has a file without a name open that holds these bytes."""
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            is_nameless = str(descriptor.readlink()).startswith("/memfd:")
            if is_nameless and content in descriptor.read_bytes():
                return True
    return False
