"""Where the private key of live trading comes from: the environment, or a file of its user alone.

Never a configuration file and never the command line: both are copied, shown and logged. Only the
real executor's process keeps the key. Whoever must know whose it is asks ``account_of_key``, which
has a process of its own read it. A key in a variable would be in the environment of every process
of the run, and in /proc: ``only_for_the_executor`` takes it out before anything is forked.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

KEY_VARIABLE = "UNDERSTUDY_PRIVATE_KEY"
FILE_VARIABLE = "UNDERSTUDY_PRIVATE_KEY_FILE"

_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_KEY_FILE_CHARS_MAX = 200


class KeyUnavailable(Exception):
    """There is no key that may be used; the sentence never contains any of it."""


class FileNotPrivate(Exception):
    """A file with a secret may not be used; the sentence names it and says why."""


@attrs.frozen
class PrivateKey:
    """The key; its printed form does not show it."""

    text: str = attrs.field(repr=False)
    """0x and 64 hex digits."""


def read_private_key(environment: Mapping[str, str] | None = None) -> PrivateKey:
    """Read the key from the one place that is named.

    Args:
        environment: variables to look at; None for this process's.

    Raises:
        KeyUnavailable: no place or both are named, the file is not its user's alone, or what is
            there is not a key.
    """
    variables = os.environ if environment is None else environment
    text, path = variables.get(KEY_VARIABLE, ""), variables.get(FILE_VARIABLE, "")
    if text and path:
        raise KeyUnavailable(f"{KEY_VARIABLE} and {FILE_VARIABLE} are both set: unset one")
    if not text and not path:
        raise KeyUnavailable(
            f"there is no private key: name a file of mode 0600 in {FILE_VARIABLE}, "
            f"or set {KEY_VARIABLE}"
        )
    if text:
        return _checked(text, KEY_VARIABLE)
    try:
        return _checked(private_text(Path(path), _KEY_FILE_CHARS_MAX), path)
    except FileNotPrivate as problem:
        raise KeyUnavailable(str(problem)) from None


def account_of_key() -> str:
    """Lower-case address of the key's own account; the key itself stays out of this process.

    Raises:
        KeyUnavailable: as ``read_private_key``; or what is there is a number that is no key.
    """
    asked = subprocess.run(  # our own module
        [sys.executable, "-m", "understudy.key_account"],
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        raise KeyUnavailable(asked.stdout.strip() or "the private key could not be looked at")
    return asked.stdout.strip()


@contextlib.contextmanager
def only_for_the_executor() -> Iterator[None]:
    """Move a key that a variable holds to where only those look who are told; a file stays one.

    Raises:
        KeyUnavailable: as ``read_private_key``.
    """
    if not os.environ.get(KEY_VARIABLE):
        yield
        return
    with handed_over(read_private_key()):
        yield


@contextlib.contextmanager
def handed_over(key: PrivateKey) -> Iterator[None]:
    """Let processes that are forked within the block read this key, as if its file were named."""
    before = os.environ.get(FILE_VARIABLE)
    take_out_of_environment(KEY_VARIABLE)
    with private_file() as (path, descriptor):
        os.write(descriptor, key.text.encode())
        os.environ[FILE_VARIABLE] = path
        try:
            yield
        finally:
            del os.environ[FILE_VARIABLE]
            if before is not None:
                os.environ[FILE_VARIABLE] = before


@contextlib.contextmanager
def private_file() -> Iterator[tuple[str, int]]:
    """Make a file for a secret, which ends with the block; its path and descriptor.

    On Linux it is memory of this process alone: it has no name in any directory, and is gone with
    the process, whatever ends it. Elsewhere it is a temporary one of mode 0600.
    """
    if sys.platform.startswith("linux"):
        descriptor = os.memfd_create("secret")
        try:
            os.fchmod(descriptor, 0o600)
            yield f"/proc/{os.getpid()}/fd/{descriptor}", descriptor
        finally:
            os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile(prefix="understudy-") as file:
            yield file.name, file.fileno()


def take_out_of_environment(name: str) -> None:
    """Unset a variable and overwrite its text where the process was given it: /proc shows that."""
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    address = libc.getenv(name.encode())
    if address is not None:
        ctypes.memset(address, 0, len(ctypes.string_at(address)))
    os.environ.pop(name, None)


def _checked(text: str, source: str) -> PrivateKey:
    digits = text.strip()
    if not _KEY.fullmatch(digits):
        raise KeyUnavailable(f"{source} does not hold a private key: 64 hex digits are wanted")
    return PrivateKey("0x" + digits.removeprefix("0x"))


def private_text(path: Path, chars_max: int) -> str:
    """Read the beginning of a file that only this user can read.

    What systemd hands over (LoadCredential) may be root's, and is shown as its group's, where it is
    an access list that lets this user read it: its directory is the service's alone
    (systemd.exec(5), "Credentials").

    Raises:
        FileNotPrivate: it cannot be read, or it is another user's, or others can read it.
    """
    try:
        with path.open(encoding="ascii") as file:
            status = os.fstat(file.fileno())
            is_credential = os.environ.get("CREDENTIALS_DIRECTORY") == str(path.parent)
            owners = (os.getuid(), 0) if is_credential else (os.getuid(),)
            if not stat.S_ISREG(status.st_mode) or status.st_uid not in owners:
                raise FileNotPrivate(f"{path} is not a plain file of this user")
            if stat.S_IMODE(status.st_mode) & (0o037 if is_credential else 0o077):
                raise FileNotPrivate(f"{path} can be read by others: chmod 600 {path}")
            return file.read(chars_max)
    except OSError as error:
        raise FileNotPrivate(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileNotPrivate(f"{path} does not hold plain text") from None
