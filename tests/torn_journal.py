"""A journal as a crash leaves it."""

from __future__ import annotations

from pathlib import Path

from actors.runtime.journal_file import JOURNAL_NAME


def crashed_copy(data_dir: Path, target: Path, *, wal_bytes: int | None = None) -> Path:
    """The files as a crash at this instant would leave them, the log's tail cut if asked for."""
    target.mkdir()
    for path in data_dir.iterdir():
        if path.name.startswith(JOURNAL_NAME) and not path.name.endswith("-shm"):
            content = path.read_bytes()
            cut = wal_bytes if path.name.endswith("-wal") else None
            (target / path.name).write_bytes(content[:cut])
    return target
