"""Rows of the journal: each has a checksum, by which one that was damaged is told.

SQLite keeps its pages in order and knows nothing of what is in them: a bit that has turned on the
disk, or a hand that has changed a row, would be believed.
"""

from __future__ import annotations

import sqlite3
import zlib

from actors.runtime.codec import Undecodable, decode

_STATE_COLUMNS = ("kind", "key", "is_open", "seq", "class", "body")
_EVENT_COLUMNS = ("at_ms", "role", "generation", "kind", "order_id", "market_id", "body")

Column = str | int | None


class JournalError(Exception):
    """The journal cannot be read or written; the sentence says what to do."""


class DamagedRow(JournalError):
    """A row does not hold what was written into it, or nothing that this program knows."""

    def __init__(self, kind: str, key: str, tag: str, problem: str) -> None:
        super().__init__(unreadable_sentence(f"{kind} {key}".strip(), tag, problem))
        self.kind = kind
        self.key = key


def checksum(*columns: Column) -> int:
    """CRC-32 (that of zlib) of a row's columns, in the order of its table; the last is the body."""
    *head, body = columns
    begun = zlib.crc32("\x1f".join(map(str, head)).encode(errors="surrogatepass"))
    return zlib.crc32(str(body).encode(errors="surrogatepass"), begun)


def decoded(row: sqlite3.Row) -> object:
    """The value of a row of ``state``; all of its columns must be there.

    Raises:
        DamagedRow: it is not what was written.
    """
    kind, key, tag = str(row["kind"]), str(row["key"]), str(row["class"])
    if not _is_whole(row, _STATE_COLUMNS):
        raise DamagedRow(kind, key, tag, _CHANGED)
    try:
        return decode(tag, row["body"])
    except Undecodable as error:
        raise DamagedRow(kind, key, tag, str(error)) from error


def check_event(row: sqlite3.Row) -> None:
    """See that a row of ``events`` is as it was written.

    Raises:
        DamagedRow: it is not.
    """
    if not _is_whole(row, _EVENT_COLUMNS):
        raise DamagedRow("event", str(row["seq"]), str(row["kind"]), _CHANGED)


_CHANGED = "its checksum does not match: it was damaged, or changed by another hand"


def _is_whole(row: sqlite3.Row, columns: tuple[str, ...]) -> bool:
    """Whether the checksum is the row's; one that was written before schema 3 has none."""
    kept = row["checksum"] if "checksum" in row.keys() else None  # noqa: SIM118 # a Row is no dict
    return kept is None or kept == checksum(*(row[name] for name in columns))


def unreadable_sentence(name: str, tag: str, problem: object) -> str:
    """Say that a record cannot be read, and what to do; ``problem`` is what reading it said."""
    return (
        f"the journal's record of {name} cannot be read as {tag} ({problem}): "
        "read it with the program that wrote it, or restore the journal from a copy"
    )
