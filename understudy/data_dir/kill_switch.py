"""The kill switch: while an entry with this name is in the data directory, nothing is traded.

It needs no running system, no command and no working control socket: ``touch`` is enough, and any
other kind of entry halts as well. A file's first line is the reason. Removing it does not resume;
``understudy resume`` does.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from actors.messages.halts import KILL_SWITCH, HaltTrading

KILL_SWITCH_NAME = "HALT"
_REASON_BYTES = 500


def kill_switch_reason(data_dir: Path) -> str | None:
    """Why the kill switch is pulled; None if it is not.

    An unreadable entry counts too. Only a plain file is opened, since a pipe would block its
    reader, and a link may lead anywhere or nowhere.
    """
    path = data_dir / KILL_SWITCH_NAME
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return f"there is {path}, which is not a plain file"
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            text = file.read(_REASON_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"there is {path}, which cannot be read: {error.strerror}"
    lines = text.strip().splitlines()
    return lines[0].strip() if lines else f"there is a file {path}"


def pull_kill_switch(data_dir: Path, reason: str) -> Path:
    """Write the file, unless there is an entry of that name; return its path.

    Raises:
        OSError: it cannot be written.
    """
    path = data_dir / KILL_SWITCH_NAME
    owner = data_dir.stat()
    if os.geteuid() not in (owner.st_uid, 0):
        raise PermissionError(errno.EPERM, "the directory is another user's", str(data_dir))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return path  # it halts already
    # It halts even if empty: a full disk has no room for the reason.
    with os.fdopen(descriptor, "wb", buffering=0) as file, contextlib.suppress(OSError):
        if os.geteuid() == 0:  # the directory's owner must be able to read the reason
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        file.write(f"{reason}\n".encode(errors="replace"))
    return path


def kill_switch_halt(reason: str, request_id: int = 0) -> HaltTrading:
    """The desk's halt while the switch is pulled."""
    return HaltTrading(reason, cancel=True, who=KILL_SWITCH, request_id=request_id)
