"""The journal in memory: the behaviour of actors/runtime/journal.py, without a file.

Every transaction keeps what it replaced, so that the newest can be undone, as when a machine crash
loses the end of the log. One journal holds all actors' records, so what is lost is always the
newest of all.
"""

from __future__ import annotations

import json
from typing import Any

import attrs

from actors.core import Record
from actors.runtime.codec import decode_as, encode
from actors.runtime.journal import Fenced
from actors.runtime.journal_file import JournalError
from audit.books import EVENT_KINDS, Books, books_of


@attrs.frozen
class KeptRecord:
    """One accepted record, and its author."""

    role: str
    generation: int
    at_ms: int
    record: Record


@attrs.frozen
class _Row:
    seq: int
    is_open: bool
    stored: object
    """The value itself, or its class and JSON text."""


@attrs.frozen
class _Transaction:
    replaced: tuple[tuple[dict[Any, Any], Any, Any], ...]
    """Table, key and previous value; None if there was none."""
    is_record: bool


class MemoryJournal:
    """All rows of all actors."""

    def __init__(self, *, is_encoding: bool) -> None:
        self.records: list[KeptRecord] = []
        self.is_writable = True
        """False while the disk is full."""
        self._is_encoding = is_encoding
        self._rows: dict[tuple[str, str], _Row] = {}
        self._generations: dict[str, int] = {}
        self._done: list[_Transaction] = []

    def claim(self, role: str) -> int:
        """Take a role under a new generation.

        Raises:
            JournalError: the journal cannot be written.
        """
        self._require_writable()
        before = self._generations.get(role)
        self._done.append(_Transaction(((self._generations, role, before),), is_record=False))
        self._generations[role] = generation = (before or 0) + 1
        return generation

    def generation(self, role: str) -> int:
        """Return the newest generation of a role; 0 if it was never claimed."""
        return self._generations.get(role, 0)

    def record(self, role: str, generation: int, record: Record, at_ms: int) -> KeptRecord:
        """Append an event and store its saves.

        Raises:
            Fenced: a newer actor has claimed the role; nothing was written.
            JournalError: the journal cannot be written; nothing was.
        """
        self._require_writable()
        if self.generation(role) != generation:
            raise Fenced(f"{role} generation {generation} was replaced")
        if self._is_encoding:
            encode(record.event)
        kept = KeptRecord(role, generation, at_ms, record)
        self.records.append(kept)
        replaced = []
        for save in record.saves:
            key = (save.kind, save.key)
            replaced.append((self._rows, key, self._rows.get(key)))
            self._rows[key] = _Row(len(self.records), save.is_open, self._packed(save.value))
        self._done.append(_Transaction(tuple(replaced), is_record=True))
        return kept

    def load(self, kind: str, key: str | None = None) -> tuple[object, ...]:
        """Return the values of a kind with open rows, oldest change first; of one key, if given."""
        found = [
            (row.seq, row_key, row)
            for (row_kind, row_key), row in self._rows.items()
            if row.is_open and row_kind == kind and key in (None, row_key)
        ]
        return tuple(self._unpacked(row.stored) for _, _, row in sorted(found, key=_seq_and_key))

    def recall(self, kind: str, key: str) -> object | None:
        """Return the value of one row, open or closed; None if there is none."""
        row = self._rows.get((kind, key))
        return self._unpacked(row.stored) if row is not None else None

    def tear(self, count: int) -> int:
        """Lose the newest transactions; return how many records were among them."""
        lost = 0
        for _ in range(min(count, len(self._done))):
            transaction = self._done.pop()
            for table, key, before in reversed(transaction.replaced):
                if before is None:
                    del table[key]
                else:
                    table[key] = before
            if transaction.is_record:
                self.records.pop()
                lost += 1
        return lost

    def texts(self) -> list[str]:
        """Return every row as text, in an order that does not depend on history."""
        return [
            f"{kind} {key} {row.is_open} {encode(self._unpacked(row.stored))}"
            for (kind, key), row in sorted(self._rows.items())
        ]

    def books(self) -> Books:
        """Return all records as an audit reads them."""
        values = [self._unpacked(row.stored) for row in self._rows.values()]
        told = (
            (kept.role, kind, json.loads(encode(kept.record.event)))
            for kept in self.records
            if (kind := type(kept.record.event).__name__) in EVENT_KINDS
        )
        return books_of(values, told)

    def _require_writable(self) -> None:
        if not self.is_writable:
            raise JournalError("the journal was not written: no space left on device")

    def _packed(self, value: object) -> object:
        if not self._is_encoding:
            return value
        return (type(value), encode(value))

    def _unpacked(self, stored: object) -> object:
        return decode_as(*stored) if isinstance(stored, tuple) else stored


def _seq_and_key(found: tuple[int, str, _Row]) -> tuple[int, str]:
    # Rows of one record are ordered by key, as in the file.
    return found[:2]
