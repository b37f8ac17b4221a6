"""Locations of recordings: local paths, or addresses that fsspec supports (``s3://…``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

EDGE_BYTES = 65_536
"""How much is read at either end of a file to identify it."""


class BadRecording(Exception):
    """A file is not a recording, or cannot be read; one sentence names it and the problem."""


def is_remote(place: str | Path) -> bool:
    """Whether a place is an address and not a path on this machine."""
    return isinstance(place, str) and "://" in place and not place.startswith("file://")


def local_path(place: str | Path) -> Path:
    """Path of a place on this machine."""
    return Path(place.removeprefix("file://")) if isinstance(place, str) else place


def read_start(place: str | Path) -> bytes:
    """Read the first bytes of a file.

    Raises:
        BadRecording: it cannot be read.
    """
    return _read(place, 0, EDGE_BYTES)


def read_end(place: str | Path) -> bytes:
    """Read the last bytes of a file.

    Raises:
        BadRecording: it cannot be read.
    """
    return _read(place, -EDGE_BYTES, None)


def read_all(place: str | Path) -> bytes:
    """Read a whole file.

    Raises:
        BadRecording: it cannot be read.
    """
    return _read(place, 0, None)


def list_files(folder: str | Path, suffix: str) -> list[str | Path]:
    """Files of a folder that end in this suffix, by name.

    Raises:
        BadRecording: the folder cannot be read.
    """
    if not is_remote(folder):
        path = local_path(folder)
        if not path.is_dir():
            raise BadRecording(f"there is no directory {path}")
        return [each for each in sorted(path.iterdir()) if each.name.endswith(suffix)]
    address = str(folder)
    try:
        files, inner = _filesystem(address)
        found = sorted(str(each) for each in files.ls(inner, detail=False))
        return [str(files.unstrip_protocol(each)) for each in found if each.endswith(suffix)]
    except (OSError, ValueError, ImportError) as problem:
        raise BadRecording(f"{address} cannot be read: {_problem_text(problem)}") from None


def size_bytes(place: str | Path) -> int:
    """Size of a file.

    Raises:
        BadRecording: it cannot be read.
    """
    try:
        if not is_remote(place):
            return local_path(place).stat().st_size
        files, inner = _filesystem(str(place))
        return int(files.size(inner))
    except (OSError, ValueError, ImportError) as problem:
        raise BadRecording(f"{place} cannot be read: {_problem_text(problem)}") from None


def upload(path: Path, folder: str) -> None:
    """Move a file to a folder at an address; remove it here once it is complete there.

    Raises:
        BadRecording: it cannot be written there; the file is still here.
    """
    address = f"{folder.rstrip('/')}/{path.name}"
    try:
        files, inner = _filesystem(address)
        files.put_file(str(path), inner)
        if files.size(inner) != path.stat().st_size:
            raise BadRecording(f"{address} is incomplete: {path} stays here")
        path.unlink()
    except (OSError, ValueError, ImportError) as problem:
        raise BadRecording(
            f"{path} cannot be moved to {address}: {_problem_text(problem)}"
        ) from None


def _read(place: str | Path, start: int, length: int | None) -> bytes:
    try:
        if is_remote(place):
            files, inner = _filesystem(str(place))
            end = None if length is None else start + length
            return bytes(files.cat_file(inner, start=start or None, end=end))
        with local_path(place).open("rb") as file:
            if start < 0:
                file.seek(max(0, file.seek(0, 2) + start))
            return file.read() if length is None else file.read(length)
    except (OSError, ValueError, ImportError) as problem:
        raise BadRecording(f"{place} cannot be read: {_problem_text(problem)}") from None


def _filesystem(address: str) -> tuple[Any, str]:
    # Only needed for addresses; the service's own library is needed as well.
    from fsspec.core import url_to_fs

    files, inner = url_to_fs(address)
    return files, str(inner)


def _problem_text(problem: Exception) -> str:
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return str(problem) or type(problem).__name__
