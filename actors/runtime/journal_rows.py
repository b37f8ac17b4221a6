"""The journal's rows and their checksums, by which damaged ones are recognised.

SQLite checks the structure of its pages and not their content: without checksums, a flipped bit or
a manually changed row would be believed.
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
    """A row does not contain what was written, or contains something unknown to this program."""

    def __init__(self, kind: str, key: str, tag: str, problem: str) -> None:
        super().__init__(unreadable_sentence(f"{kind} {key}".strip(), tag, problem))
        self.kind = kind
        self.key = key


def checksum(*columns: Column) -> int:
    """Return the CRC-32 (as in zlib) of a row's columns in the table's order, the body last."""
    *head, body = columns
    begun = zlib.crc32("\x1f".join(map(str, head)).encode(errors="surrogatepass"))
    return zlib.crc32(str(body).encode(errors="surrogatepass"), begun)


def decoded(row: sqlite3.Row) -> object:
    """Return the value of a row of ``state``, which must have all its columns.

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
    """Check that a row of ``events`` is as it was written.

    Raises:
        DamagedRow: it is not.
    """
    if not _is_whole(row, _EVENT_COLUMNS):
        raise DamagedRow("event", str(row["seq"]), str(row["kind"]), _CHANGED)


_CHANGED = "its checksum does not match: it was damaged, or changed by someone else"


def _is_whole(row: sqlite3.Row, columns: tuple[str, ...]) -> bool:
    """Return whether the checksum is correct; a row written before schema 3 has none."""
    kept = row["checksum"] if "checksum" in row.keys() else None  # noqa: SIM118 # a Row is no dict
    return kept is None or kept == checksum(*(row[name] for name in columns))


def unreadable_sentence(name: str, tag: str, problem: object) -> str:
    """Return the sentence for an unreadable record; ``problem`` is the error of reading it."""
    return (
        f"the journal's record of {name} cannot be read as {tag} ({problem}): "
        "read it with the program that wrote it, or restore the journal from a copy"
    )
