"""Origin of the private key of live trading: the environment, or a file readable by its user only.

Never a configuration file and never the command line: both are copied, shown and logged. Only the
real executor's process keeps the key. Others that need the key's account call ``account_of_key``,
which has a separate process read it. A key in a variable would be in the environment of every
process of the run, and in /proc: ``understudy.entry`` moves it into a file without a name before
anything else happens.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from understudy.processes.isolation import module_command
from understudy.processes.privacy import hide_memory

KEY_VARIABLE = "UNDERSTUDY_PRIVATE_KEY"
FILE_VARIABLE = "UNDERSTUDY_PRIVATE_KEY_FILE"
NEW = "--new"
"""Has ``key_account`` make a key before it says whose it is."""

_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_KEY_FILE_CHARS_MAX = 200


class KeyUnavailable(Exception):
    """There is no usable key; the sentence never contains any of it."""


class FileNotPrivate(Exception):
    """A file with a secret may not be used; the sentence names it and says why."""


@attrs.frozen
class PrivateKey:
    """The key; its printed form hides it."""

    text: str = attrs.field(repr=False)
    """0x and 64 hex digits."""


def read_private_key(environment: Mapping[str, str] | None = None) -> PrivateKey:
    """Read the key from the one place that is named.

    Args:
        environment: variables to read; None for this process's.

    Raises:
        KeyUnavailable: no place or both are named, others can read the file, or what is
            there is not a key.
    """
    hide_memory()
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


def account_of_key(*, is_to_be_made: bool = False) -> str:
    """Lower-case address of the key's own account; the key itself stays out of this process.

    Args:
        is_to_be_made: the named file is empty, and is given a new key.

    Raises:
        KeyUnavailable: as ``read_private_key``; or the number there is not a valid key.
    """
    asked = subprocess.run(  # noqa: S603 # our own module
        module_command("understudy.credentials.key_account", *([NEW] if is_to_be_made else [])),
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        raise KeyUnavailable(asked.stdout.strip() or "the private key could not be checked")
    return asked.stdout.strip()


@contextlib.contextmanager
def variables_restored(*names: str) -> Iterator[None]:
    """Restore the values that environment variables had before the block."""
    before = {name: os.environ[name] for name in names if name in os.environ}
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(before)


@contextlib.contextmanager
def file_for_a_key() -> Iterator[None]:
    """Name an empty file as the private key's, within the block."""
    os.environ.pop(KEY_VARIABLE, None)
    with variables_restored(FILE_VARIABLE), private_file() as (path, _):
        os.environ[FILE_VARIABLE] = path
        yield


@contextlib.contextmanager
def private_file() -> Iterator[tuple[str, int]]:
    """Make a file for a secret, which ends with the block; yield its path and descriptor.

    On Linux it is memory of this process alone: it has no name in any directory, and is gone with
    the process, whatever ends it. Elsewhere it is a temporary one of mode 0600.
    """
    if sys.platform.startswith("linux"):
        descriptor = os.memfd_create("secret")
        try:
            os.fchmod(descriptor, 0o600)
            path = f"/proc/{os.getpid()}/fd/{descriptor}"
            keep_from_forks(path)
            yield path, descriptor
        finally:
            if descriptor in _not_for_forks:  # a fork has closed it long ago
                _not_for_forks.remove(descriptor)
                os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile(prefix="understudy-") as file:
            yield file.name, file.fileno()


_not_for_forks: set[int] = set()


def keep_from_forks(path: str) -> None:
    """Keep the descriptor of a file without a name in this process, if this is its path.

    A fork has all descriptors of its parent. A process that is told of the file opens it by its
    path, reads it and closes it again.
    """
    folder, _, number = path.rpartition("/")
    if folder == f"/proc/{os.getpid()}/fd" and number.isdecimal():
        os.set_inheritable(int(number), False)
        _not_for_forks.add(int(number))


def _close_in_fork() -> None:
    while _not_for_forks:
        with contextlib.suppress(OSError):
            os.close(_not_for_forks.pop())


os.register_at_fork(after_in_child=_close_in_fork)


def _checked(text: str, source: str) -> PrivateKey:
    digits = text.strip()
    if not _KEY.fullmatch(digits):
        raise KeyUnavailable(f"{source} does not hold a private key: expected 64 hex digits")
    return PrivateKey("0x" + digits.removeprefix("0x"))


def private_text(path: Path, chars_max: int) -> str:
    """Read the beginning of a file that only this user can read; this process's memory is hidden.

    A credential from systemd (LoadCredential) may belong to root and appear as readable by its
    group, where an access list lets this user read it: its directory is the service's alone
    (systemd.exec(5), "Credentials").

    Raises:
        FileNotPrivate: it cannot be read, or it is another user's, or others can read it.
    """
    hide_memory()
    try:
        # A pipe of that name would block whoever opens it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, encoding="ascii") as file:
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
