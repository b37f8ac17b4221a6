"""How the files of a data directory are opened: plain files of this user, and no other entry.

A link might lead to anybody's file, and a pipe by a file's name keeps whoever opens it waiting.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_LINK = "it is a link, and links are not followed in a data directory"
_NOT_PLAIN = "it is no plain file"
_OTHERS = "it is somebody else's file"


def open_plain(path: Path, flags: int) -> int:
    """Open a plain file of this user's; one that ``flags`` has made is nobody else's to read.

    Returns:
        Its descriptor, which other programs do not inherit.

    Raises:
        OSError: there is none, it cannot be opened, or it is a link, no plain file or another's.
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
    """Write a plain file of this user alone; after any fall it is either the former or the new one.

    Raises:
        OSError: the directory does not take it.
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
    """Why a library that opens files by their names must not be told this one; empty if it may.

    A file that is not there yet may be named. Whose it is, is not asked: a reader may be root.
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
