"""Check: the processes of a run can meet in a directory that nobody else can enter."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from actors.runtime.sockets.directory import (
    SOCKETS_NAME,
    PeerGone,
    SocketDirectory,
    SocketsNotPrivate,
)
from actors.runtime.sockets.peer import peer_of
from understudy.doctor.findings import Finding, failed, passed
from understudy.doctor.subject import Subject

NAME = "sockets"

_ANOTHER_DISK = "name a --data-dir on a disk of this machine that keeps sockets and permissions"


def check_sockets(subject: Subject) -> Finding:
    """Make such a directory beside a run's own, and connect in it; a run is not disturbed."""
    data_dir = subject.data_dir
    try:
        if os.path.lexists(data_dir / SOCKETS_NAME):
            SocketDirectory.find(data_dir).leave()
        place = data_dir if data_dir.is_dir() else _nearest_directory(data_dir)
        with tempfile.TemporaryDirectory(dir=place, prefix=".understudy-doctor-") as folder:
            _connect_in(Path(folder))
    except SocketsNotPrivate as problem:
        return failed(NAME, str(problem), "do what the sentence says, while nothing runs there")
    except (OSError, PeerGone) as problem:
        return failed(NAME, f"sockets do not work beside {data_dir}: {problem}", _ANOTHER_DISK)
    return passed(NAME, f"processes can meet in {data_dir / SOCKETS_NAME}, and nobody else")


def _connect_in(folder: Path) -> None:
    directory = SocketDirectory.make(folder)
    try:
        name = f"{os.getpid()}-doctor"
        with (
            directory.listen(name) as listener,
            directory.connect(name, os.getpid()),
            listener.accept()[0] as accepted,
        ):
            if peer_of(accepted).pid != os.getpid():
                raise OSError("the kernel does not say who has connected")
    finally:
        directory.close()


def _nearest_directory(path: Path) -> Path:
    return next(each for each in path.parents if each.is_dir())
