"""The data directory: one run at a time may hold it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

LOCK_NAME = "lock"


class DirectoryLocked(Exception):
    """Another run holds the directory; the sentence says which."""


class DataDirLock:
    """Held by the foreground process for as long as it lives, and by none of its children.

    A POSIX record lock: forks do not inherit it and the kernel frees it with the process, so a
    killed run leaves no stale lock behind.
    """

    def __init__(self, data_dir: Path) -> None:
        self._descriptor = os.open(
            data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._descriptor, 64).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise DirectoryLocked(
                f"{data_dir} is in use by an understudy with process id {holder or 'unknown'}: "
                "stop that one first, or give this one another --data-dir"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let the next run have the directory."""
        os.close(self._descriptor)
