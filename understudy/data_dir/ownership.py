"""Ownership of the data directory: one run at a time, and one account's orders."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from pathlib import Path

from actors.core import Record, Save
from actors.execution.account import TradedAccount
from actors.runtime.journal import Journal, JournalReader
from actors.runtime.journal_file import JOURNAL_NAME, SIDE_FILES
from actors.runtime.private_files import open_plain

LOCK_NAME = "lock"

_FLOCK = "hhqqi"
"""Linux's ``struct flock`` on 64 bits: type, whence, start, length, process id."""


class DirectoryLocked(Exception):
    """Another run holds the directory; the sentence says which."""


class DataDirLock:
    """Held by the foreground process for as long as it lives, and by none of its children.

    Others that must be alone in a directory take a lock with another name.

    A POSIX record lock: forks do not inherit it and the kernel frees it with the process, so a
    killed run leaves no stale lock behind.
    """

    def __init__(self, data_dir: Path, name: str = LOCK_NAME) -> None:
        self._descriptor = open_plain(data_dir / name, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._descriptor, 64).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise DirectoryLocked(
                f"{data_dir} is in use by an understudy with process id {holder or 'unknown'}: "
                "stop that one first, or give this one another --data-dir"
            ) from None
        with contextlib.suppress(OSError):  # the lock works on a full disk, too
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Release the directory for the next run."""
        os.close(self._descriptor)


class FilesInUse:
    """Checks that the files a run holds open still have their names.

    A removed or replaced file can still be written, but nobody will find it again, and a second run
    could take the directory.
    """

    def __init__(self, data_dir: Path) -> None:
        """Begin; the run holds the lock and has the journal open."""
        self._data_dir = data_dir
        names = (LOCK_NAME, *(JOURNAL_NAME + ending for ending in ("", *SIDE_FILES)))
        self._known = {name: _identity(data_dir / name) for name in names}

    def loss(self) -> str:
        """Say in one sentence which file is gone; empty while all are there."""
        for name, known in list(self._known.items()):
            path = self._data_dir / name
            found = _identity(path)
            if known is None:
                self._known[name] = found
            elif found != known:
                what = "was removed" if found is None else "was replaced by another file"
                return (
                    f"{path} {what} while the run had it: nothing more can be kept safe, so the "
                    "run has ended its orders; compare with the venue's own records"
                )
        return ""


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino


class OtherAccount(Exception):
    """The directory has orders that this run must not continue; the sentence says whose."""


def keep_to_account(data_dir: Path, address: str, *, is_rehearsal: bool = False) -> None:
    """Ensure that a prepared journal is this account's; record the account the first time.

    Args:
        data_dir: where the journal is.
        address: the account of live orders, lower case; empty for simulated ones.
        is_rehearsal: whether that account, and its exchange, end with the run.

    Raises:
        OtherAccount: it has another account's orders.
        JournalError: it cannot be read or written.
    """
    reader = JournalReader(data_dir)
    try:
        known = reader.states("account", open_only=False)
        has_orders = any(reader.events(kind="OrdersCreated"))
    finally:
        reader.close()
    for held in known:
        if isinstance(held, TradedAccount) and held.address != address:
            wanted = f"for {address}" if address else "with simulated orders"
            raise OtherAccount(
                f"{data_dir} holds the live orders of account {held.address}, and this run trades "
                f"{wanted}: give it another --data-dir"
                + ("; the account of a rehearsal ends with it" if is_rehearsal else "")
            )
    if known or not address:
        return
    if has_orders:
        raise OtherAccount(
            f"{data_dir} holds simulated orders: give live ones a --data-dir of their own"
        )
    journal = Journal(data_dir, "foreground", "full")
    journal.claim()
    account = TradedAccount(address)
    journal.record(Record(account, (Save("account", address, account),)), at_ms=0)
    journal.close()


def holder_of(data_dir: Path) -> int | None:
    """Process id of the run that holds a directory; None if none does. The lock is not touched."""
    try:
        descriptor = open_plain(data_dir / LOCK_NAME, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        told = fcntl.fcntl(descriptor, fcntl.F_GETLK, asked)
        kind, _, _, _, holder = struct.unpack(_FLOCK, told)
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else int(holder)
