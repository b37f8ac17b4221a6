"""Opens the files of a data directory: only plain files of this user.

A link might lead to any other file, and opening a pipe of the same name would block.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_LINK = "it is a link, and links are not followed in a data directory"
_NOT_PLAIN = "it is not a plain file"
_OTHERS = "it belongs to another user"


def open_plain(path: Path, flags: int) -> int:
    """Open a plain file of this user; a file that ``flags`` creates is readable by this user only.

    Returns:
        Its descriptor, which is not inherited by other programs.

    Raises:
        OSError: it is missing, cannot be opened, or is a link, not a plain file or another user's.
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        words = {errno.ELOOP: _LINK, errno.ENXIO: _NOT_PLAIN}.get(error.errno or 0)
        if words is None:
            raise
        raise OSError(error.errno, words, str(path)) from None
    problem = _problem(os.fstat(descriptor))
    if problem:
        os.close(descriptor)
        raise OSError(errno.EPERM, problem, str(path))
    return descriptor


def read_plain(path: Path) -> bytes:
    """Read a plain file of this user's.

    Raises:
        OSError: as ``open_plain``.
    """
    with os.fdopen(open_plain(path, os.O_RDONLY), "rb") as file:
        return file.read()


def write_plain(path: Path, text: str) -> None:
    """Write a plain file for this user only; a crash leaves either the old or the new one.

    Raises:
        OSError: the file cannot be written.
    """
    fresh = path.with_name(f".{path.name}.new")
    descriptor = open_plain(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def why_not_plain(path: Path) -> str:
    """Return why a library must not open this file by its name; empty if it may.

    A missing file is allowed. Its owner is not checked, because a reader may be root.
    """
    try:
        status = path.lstat()
    except OSError:
        return ""
    if stat.S_ISLNK(status.st_mode):
        return _LINK
    return "" if stat.S_ISREG(status.st_mode) else _NOT_PLAIN


def _problem(status: os.stat_result) -> str:
    if not stat.S_ISREG(status.st_mode):
        return _NOT_PLAIN
    return "" if os.geteuid() in (status.st_uid, 0) else _OTHERS
