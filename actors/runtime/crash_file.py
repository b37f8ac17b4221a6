"""Crash files: one line of JSON that describes the crash, and the recording that led to it.

``crashes/<when>-<role>-<generation>`` in the data directory, mode 0600. The first line is for
readers (codec.py's JSON); the rest is a zlib stream of a pickle, since a core's state may be of any
class. A file may come from elsewhere, so only the classes of cores and messages are unpickled:
those of their packages, with enums, attrs classes and structs, and a few of the standard library.
None of them opens a file or socket.

Signatures are removed: a signed order and the API credentials together could be posted. Keys and
credentials never reach a core.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import pickle
import re
import zlib
from pathlib import Path
from typing import Any

import attrs

from actors.core import Core
from actors.redaction import SIGNATURE
from actors.runtime.codec import Undecodable, decode_as, encode
from actors.runtime.flight_recorder import PROTOCOL, Flight, Heard
from actors.settings import Settings

FOLDER = "crashes"
FORMAT = 1
FILES_MAX = 20
BYTES_MAX = 10_000_000
_UNPACKED_MAX = 200_000_000
_HEADER_MAX = 1_000_000

_CORE_PACKAGES = tuple(
    f"actors.{name}."
    for name in (
        "directory",
        "execution",
        "feeds",
        "market",
        "messages",
        "observer",
        "position",
        "strategy",
    )
)
_CORE_MODULES = {"actors.core", "actors.model", "actors.series", "actors.setting_rules"}
_SETTINGS = re.compile(r"actors\.(\w+_)?settings")
"""The modules of the settings and of their sections."""
_WORLDLY = {"client", "client_transport", "port", "shell"}
"""Modules of those packages whose objects have access to files, sockets or the network."""
_STANDARD = {
    ("builtins", "max"),
    ("builtins", "min"),
    ("builtins", "range"),
    ("collections", "Counter"),
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    ("collections", "deque"),
    ("decimal", "Decimal"),
    ("functools", "partial"),
    (
        "msgspec._utils",
        "rebuild",
    ),  # creates a struct by keywords, of a class that is checked here too
    ("random", "Random"),
    ("actors.runtime.late_dice", "LateDice"),
}


class BadCrashFile(Exception):
    """A crash file cannot be read; the sentence names it and says why."""


@attrs.frozen(kw_only=True)
class CrashReport:
    """The first line of a crash file, which describes the crash."""

    format: int = FORMAT
    version: str
    """Version of the program."""
    python: str
    at: str
    """Host's wall time, ISO 8601 in UTC."""
    role: str
    generation: int
    core: str
    """Class of the core: module and name."""
    error: str
    """Name of the exception's class."""
    text: str
    trace: str
    message: str
    """Class of the message that was being handled."""
    is_in_core: bool
    """Whether the core raised or hung; otherwise one of its effects failed."""
    is_hang: bool = False
    seed: int
    settings: Settings
    heard_count: int
    """Number of recorded messages; 0 if the recording was too large to be kept."""
    body_sha256: str = ""

    def signature(self) -> tuple[str, str]:
        """Return what two equal crashes have in common: addresses in memory differ."""
        return self.error, re.sub(r"0x[0-9a-f]{6,}", "0x…", self.text)


def write_crash(data_dir: Path, report: CrashReport, flight: Flight) -> Path:
    """Write a crash file, remove the oldest if there are too many, and return its path.

    A recording that is too large is left out, and the report says so: without its beginning it
    could not be replayed.

    Raises:
        OSError: the file cannot be written.
    """
    body = zlib.compress(_without_signatures((flight.core, flight.heard)), 6)
    if len(body) > BYTES_MAX - _HEADER_MAX:
        body = b""
        report = attrs.evolve(report, heard_count=0)
    report = attrs.evolve(report, body_sha256=hashlib.sha256(body).hexdigest())
    head = SIGNATURE.sub(_zeros, encode(report)).encode(errors="backslashreplace")
    folder = data_dir / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink():
        raise OSError(errno.ELOOP, "it is a link, and links are not followed", str(folder))
    stamp = re.sub(r"[-:+]", "", report.at.partition("+")[0])
    path = folder / f"{stamp}-{report.role.replace('/', '.')}-{report.generation}"
    unfinished = folder / f".{path.name}.{os.getpid()}"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(head + b"\n" + body)
    unfinished.replace(path)
    _remove_oldest(folder)
    return path


def read_report(path: Path) -> CrashReport:
    """Read the report of a crash file, without its recording.

    Raises:
        BadCrashFile: the file is not a crash file, or is damaged.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(_HEADER_MAX)
    except OSError as error:
        raise BadCrashFile(f"{path} cannot be read: {error.strerror}") from None
    try:
        return decode_as(CrashReport, line.decode())
    except (Undecodable, UnicodeDecodeError):
        raise BadCrashFile(f"{path} is not a crash file, or its first line is damaged") from None


def read_flight(path: Path) -> Flight:
    """Read the recording of a crash file.

    Raises:
        BadCrashFile: there is none, it is damaged, or it names a class that cores do not use.
    """
    report = read_report(path)
    if path.stat().st_size > BYTES_MAX:
        raise BadCrashFile(f"{path} is larger than any crash file")
    body = path.read_bytes().partition(b"\n")[2]
    if hashlib.sha256(body).hexdigest() != report.body_sha256:
        raise BadCrashFile(f"{path} is damaged: its recording does not match its checksum")
    if not body:
        raise BadCrashFile(
            f"{path} describes the crash, but its recording was too large to be kept"
        )
    try:
        whole = zlib.decompressobj().decompress(body, _UNPACKED_MAX)
        core, heard = _CoreUnpickler(io.BytesIO(whole)).load()
    except _Refused as refusal:
        raise BadCrashFile(f"{path} is not replayed: {refusal}") from None
    except Exception as error:  # damaged pickles raise all kinds of exceptions
        why = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise BadCrashFile(f"{path} does not fit this program: {why}") from None
    if not isinstance(core, Core) or not isinstance(heard, tuple):
        raise BadCrashFile(f"{path} does not hold a core and its messages")
    return Flight(role=report.role, generation=report.generation, core=core, heard=heard)


def crash_files(data_dir: Path) -> list[Path]:
    """Return the crash files of a data directory, oldest first."""
    folder = data_dir / FOLDER
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def _remove_oldest(folder: Path) -> None:
    for path in crash_files(folder.parent)[:-FILES_MAX]:
        path.unlink(missing_ok=True)  # another crashing actor may have removed it


def _zeros(found: re.Match[str]) -> str:
    return "0" * len(found.group())


class _SignatureRemover(pickle.Pickler):
    """Pickles texts with zeros in place of signatures."""

    def persistent_id(self, obj: Any) -> str | None:
        if type(obj) is str and len(obj) >= 130 and SIGNATURE.search(obj):
            return SIGNATURE.sub(_zeros, obj)
        return None


def _without_signatures(value: tuple[Core, tuple[Heard, ...]]) -> bytes:
    written = io.BytesIO()
    _SignatureRemover(written, PROTOCOL).dump(value)
    return written.getvalue()


class _Refused(Exception):
    """The file names something that is not part of a core or message."""


class _CoreUnpickler(pickle.Unpickler):
    """Creates objects only of classes that cores and messages use."""

    def persistent_load(self, pid: str) -> str:
        if type(pid) is not str:
            raise _Refused("it holds an invalid text")
        return pid

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _STANDARD:
            return super().find_class(module, name)
        is_named = module in _CORE_MODULES or _SETTINGS.fullmatch(module) is not None
        is_known = is_named or module.startswith((*_CORE_PACKAGES, "simulation."))
        if is_known and module.rpartition(".")[2] not in _WORLDLY:
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise _Refused(f"it names {module}.{name}, which is not part of a core or message")
