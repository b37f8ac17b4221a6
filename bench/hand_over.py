"""A stand-in for the journal without promises, to measure what remains if durability costs nothing.

An order's actor finds its intent in the record, so the way from a tick to an order always needs
some hand-over. This one keeps each present value as a pickle in a file of its own, in a data
directory in memory: no events, no transaction, no fence, no check, and no protection against torn
writes in a crash.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from urllib.parse import quote

from actors.core import Record

MEMORY = Path("/dev/shm")  # noqa: S108 # a memory file system is the point
"""Directory in memory (Linux)."""


class HandOver:
    """Has the journal's methods that hosts use."""

    def __init__(self, data_dir: Path, role: str, durability: str = "process") -> None:
        del durability
        self.role = role
        self.generation = 0
        self._data_dir = data_dir
        self._folder = data_dir / "hand-over"
        self._folder.mkdir(exist_ok=True)

    def for_role(self, role: str) -> HandOver:
        """Another actor's access to the same folder."""
        return HandOver(self._data_dir, role)

    def claim(self) -> int:
        """Count the role's actors; no one is fenced off."""
        path = self._path("owner", self.role)
        self.generation = int(path.read_text()) + 1 if path.exists() else 1
        path.write_text(str(self.generation))
        return self.generation

    def record(self, record: Record, at_ms: int) -> None:
        """Keep the values, forget the event."""
        del at_ms
        for save in record.saves:
            path = self._path(save.kind, save.key)
            if save.is_open:
                path.write_bytes(pickle.dumps(save.value, pickle.HIGHEST_PROTOCOL))
            else:
                path.unlink(missing_ok=True)

    def load(self, kind: str, key: str | None = None) -> tuple[object, ...]:
        """Find the values of a kind, or of one key."""
        pattern = f"{kind} {'*' if key is None else quote(key, safe='')}"
        found = sorted(self._folder.glob(pattern))
        return tuple(pickle.loads(path.read_bytes()) for path in found)  # noqa: S301 # our own

    def recall(self, kind: str, key: str) -> object | None:
        """Find the value of one open row; closed ones are gone."""
        found = self.load(kind, key)
        return found[0] if found else None

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _path(self, kind: str, key: str) -> Path:
        return self._folder / f"{kind} {quote(key, safe='')}"
