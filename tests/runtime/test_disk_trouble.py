"""A disk that takes nothing is told from a file that is damaged, with what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from actors.runtime import disk_trouble
from actors.runtime.disk_trouble import trouble_of
from actors.runtime.journal_file import JOURNAL_NAME, JournalError, prepare

SAFE = "what was recorded is safe"


@pytest.mark.parametrize(
    ("number", "what", "advice"),
    [
        (errno.ENOSPC, "is full", "free some space"),
        (errno.EDQUOT, "this user's quota", "have the quota raised"),
        (errno.EROFS, "is mounted read-only", "mount it for writing"),
        (errno.EMFILE, "may not open more files", "ulimit -n"),
        (errno.ENFILE, "may not open more files", "fs.file-max"),
    ],
)
def test_each_trouble_is_one_sentence_with_what_to_do(
    tmp_path: Path, number: int, what: str, advice: str
) -> None:
    sentence = trouble_of(OSError(number, os.strerror(number)), tmp_path)
    assert what in sentence
    assert SAFE in sentence
    assert sentence.endswith(advice) or advice in sentence.rpartition(SAFE)[2]
    assert str(tmp_path) in sentence


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    "code",
    [sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY_DIRECTORY],
)
def test_why_sqlite_could_not_write_is_found_by_trying(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(disk_trouble.tempfile, "TemporaryFile", refuse)
    assert "quota" in trouble_of(sqlite_error(code), tmp_path)


def test_what_sqlite_calls_full_is_full_although_a_try_succeeds(tmp_path: Path) -> None:
    assert "is full" in trouble_of(sqlite_error(sqlite3.SQLITE_FULL), tmp_path)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EACCES, "Permission denied"),
        sqlite_error(sqlite3.SQLITE_IOERR),
        sqlite_error(sqlite3.SQLITE_CORRUPT),
        ValueError("no"),
    ],
)
def test_anything_else_is_no_trouble_of_the_disk(tmp_path: Path, error: Exception) -> None:
    assert trouble_of(error, tmp_path) == ""


def test_a_damaged_journal_is_still_called_damaged(tmp_path: Path) -> None:
    (tmp_path / JOURNAL_NAME).write_bytes(b"no journal at all" * 1_000)
    with pytest.raises(JournalError, match="restore it from a copy"):
        prepare(tmp_path)
