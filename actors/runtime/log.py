"""One line a happening, in the data directory's log and, without a live view, on stderr.

Thespian's logging runs every record through one more actor and counts it against the sender's
limits, so actors write for themselves: a line is one ``write`` to a file opened for appending,
which the kernel keeps whole.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
from datetime import UTC, datetime
from pathlib import Path

from actors.runtime.disk_waits import waiting_for_disk
from actors.runtime.private_files import open_plain
from actors.shown_text import shown

LOG_NAME = "understudy.log"
ROTATE_AT_BYTES = 20_000_000
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND


class LineLog:
    """Writes ``<time> <level> <role> <text>`` lines; the text is never a secret's carrier."""

    def __init__(self, data_dir: Path, role: str, *, to_stderr: bool) -> None:
        self.role = role
        self._to_stderr = to_stderr
        self._trouble = ""
        self._path = data_dir / LOG_NAME
        self._file_descriptor = open_plain(self._path, _FLAGS)

    def write(self, level: str, text: str, role: str = "") -> None:
        """Write one line, of this role or another one.

        A text of several lines stays one record, its breaks shown as ``⏎``; other control
        characters are shown as escapes, so that no text from outside can forge a line.
        """
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body = shown(text.rstrip().replace("\n", " ⏎ "))
        line = f"{stamp} {level.upper():7} {shown(role or self.role):16} {body}\n"
        try:
            with waiting_for_disk():
                self._follow()
                os.write(self._file_descriptor, _bytes_of(line))
            self._trouble = ""
        except OSError as error:
            # A full disk must not end trading's housekeeping; the journal is what stops orders.
            if str(error) != self._trouble:
                self._trouble = str(error)
                _write_to_stderr(f"the log cannot be written: {error.strerror}\n")
        if self._to_stderr:
            _write_to_stderr(line)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file_descriptor)

    def _follow(self) -> None:
        """Write to the present file, if the one that was opened has been moved aside."""
        try:
            is_present = self._path.stat().st_ino == os.fstat(self._file_descriptor).st_ino
        except FileNotFoundError:
            is_present = False
        if not is_present:
            fresh = open_plain(self._path, _FLAGS)
            os.close(self._file_descriptor)
            self._file_descriptor = fresh


def _bytes_of(text: str) -> bytes:
    """UTF-8; a file name's bytes that are no text are written as an escape."""
    return text.encode(errors="backslashreplace")


def _write_to_stderr(text: str) -> None:
    """Write what fits now: an actor must not wait for whoever reads this, or it counts as hung."""
    with contextlib.suppress(OSError):  # it may be a file on the same full disk, or a closed pipe
        descriptor = sys.stderr.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        if poll.poll(0):
            os.write(descriptor, _bytes_of(text)[: select.PIPE_BUF])


def rotate(data_dir: Path) -> None:
    """Move a log that has grown large aside, keeping one old one; whoever writes follows."""
    path = data_dir / LOG_NAME
    if path.is_file() and path.lstat().st_size > ROTATE_AT_BYTES:
        path.replace(path.with_suffix(".log.1"))
