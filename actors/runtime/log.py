"""The log: one line per event, in the data directory and, without a live view, on stderr.

Thespian's logging passes every record through another actor and counts it against the sender's
limits, so actors write themselves: a line is one ``write`` to a file opened for appending, which
the kernel does not split.
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
    """Writes ``<time> <level> <role> <text>`` lines; the text must never contain a secret."""

    def __init__(self, data_dir: Path, role: str, *, to_stderr: bool) -> None:
        self.role = role
        self._to_stderr = to_stderr
        self._trouble = ""
        self._path = data_dir / LOG_NAME
        self._file_descriptor = open_plain(self._path, _FLAGS)

    def write(self, level: str, text: str, role: str = "") -> None:
        """Write one line, for this role or another one.

        A text of several lines stays one record, with its line breaks shown as ``⏎``; other control
        characters are escaped, so that no text from outside can forge a line.
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
            # A full disk must not stop housekeeping; it is the journal that stops orders.
            if str(error) != self._trouble:
                self._trouble = str(error)
                _write_to_stderr(f"the log cannot be written: {error.strerror}\n")
        if self._to_stderr:
            _write_to_stderr(line)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file_descriptor)

    def _follow(self) -> None:
        """Reopen the log if the open file was rotated away."""
        try:
            is_present = self._path.stat().st_ino == os.fstat(self._file_descriptor).st_ino
        except FileNotFoundError:
            is_present = False
        if not is_present:
            fresh = open_plain(self._path, _FLAGS)
            os.close(self._file_descriptor)
            self._file_descriptor = fresh


def _bytes_of(text: str) -> bytes:
    """Encode as UTF-8; bytes of a file name that are not valid text are escaped."""
    return text.encode(errors="backslashreplace")


def _write_to_stderr(text: str) -> None:
    """Write only what fits now: waiting for a slow reader would make the actor look hung."""
    with contextlib.suppress(OSError):  # it may be a file on the same full disk, or a closed pipe
        descriptor = sys.stderr.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        if poll.poll(0):
            os.write(descriptor, _bytes_of(text)[: select.PIPE_BUF])


def rotate(data_dir: Path) -> None:
    """Move a large log aside, keeping one old one; writers follow to the new file."""
    path = data_dir / LOG_NAME
    if path.is_file() and path.lstat().st_size > ROTATE_AT_BYTES:
        path.replace(path.with_suffix(".log.1"))
