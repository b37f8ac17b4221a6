"""Privacy of the data directory: only its owner may read it.

A run needs a directory that belongs to its user and is closed to all others. One that is open to
others is closed if it contains a run's files, or nothing. Any other serves another purpose, and is
refused (docs/decisions/data-directory.md).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import stat
from pathlib import Path

from actors.runtime.journal_file import JOURNAL_NAME
from actors.runtime.private_files import open_plain
from understudy.credentials.price_feed import CREDENTIALS_NAME, KEY_NAME
from understudy.data_dir.kill_switch import KILL_SWITCH_NAME
from understudy.data_dir.ownership import LOCK_NAME

_OTHERS = 0o077
_BEFORE_A_RUN = {KILL_SWITCH_NAME, LOCK_NAME, CREDENTIALS_NAME, KEY_NAME}
"""Files that people and commands put into a directory before there is a journal."""


class NotPrivate(Exception):
    """The directory cannot be used like this; the sentence says why and what to do."""


def make_private(directory: Path) -> str:
    """Ensure that a data directory is this user's; close it and its files to all others.

    Returns:
        What was changed, in one sentence; empty if nothing had to be.

    Raises:
        NotPrivate: it is another user's, everybody's, used for something else, or stays open.
        OSError: it cannot be examined.
    """
    mode = mode_to_close(directory)
    return "" if mode is None else _close(directory, mode)


def mode_to_close(directory: Path) -> int | None:
    """The mode of a data directory that has to be closed to others; None if it is closed.

    Raises:
        NotPrivate: it is another user's, everybody's, or used for something else.
        OSError: it cannot be examined.
    """
    status = directory.stat()
    link = directory.lstat()
    if link.st_uid not in (os.geteuid(), 0):
        raise NotPrivate(_words_of_owner(directory, link.st_uid))
    if status.st_uid != os.geteuid():
        raise NotPrivate(_words_of_owner(directory, status.st_uid))
    mode = stat.S_IMODE(status.st_mode)
    if not mode & _OTHERS:
        return None
    _see_that_it_is_for_this(directory, mode)
    return mode


def _see_that_it_is_for_this(directory: Path, mode: int) -> None:
    names = {entry.name for entry in directory.iterdir()}
    is_for_this = JOURNAL_NAME in names or names <= _BEFORE_A_RUN
    if mode & stat.S_ISVTX or not is_for_this:
        raise NotPrivate(
            f"{directory} is open to other users (mode {mode:04o}), and is not a data directory "
            f"alone: name one with --data-dir that holds nothing else, or close it: "
            f"chmod 700 {directory}"
        )


def _close(directory: Path, mode: int) -> str:
    try:
        directory.chmod(0o700)
        is_closed = not stat.S_IMODE(directory.stat().st_mode) & _OTHERS
    except PermissionError:
        is_closed = False
    if not is_closed:
        raise NotPrivate(
            f"{directory} is open to other users (mode {mode:04o}) and cannot be closed: name a "
            "--data-dir on a disk that keeps permissions"
        )
    for entry in (*directory.iterdir(), *directory.glob("crashes/*")):
        with contextlib.suppress(OSError):  # whoever needs the file reports what is wrong with it
            descriptor = open_plain(entry, os.O_RDONLY)
            os.fchmod(descriptor, 0o600)
            os.close(descriptor)
    return f"{directory} was open to other users (mode {mode:04o}) and is closed now (0700)"


def see_who_is_spoken_to(directory: Path, uid: int) -> None:
    """Check that the user who answers for a directory is this one; root may ask anybody.

    Raises:
        NotPrivate: it is another user.
    """
    if os.geteuid() not in (uid, 0):
        raise NotPrivate(_words_of_owner(directory, uid))


def _words_of_owner(directory: Path, uid: int) -> str:
    return (
        f"{directory} belongs to {_name(uid)} and not to {_name(os.geteuid())}: name a --data-dir "
        "of your own, or run this as that user"
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user id {uid}"
