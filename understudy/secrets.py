"""Where the private key of real trading comes from: the environment, or a file of its user alone.

Never a configuration file and never the command line: both are copied, shown and logged. Only the
real executor's process reads the key, and whoever checks beforehand that it can be read.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

import attrs

KEY_VARIABLE = "UNDERSTUDY_PRIVATE_KEY"
FILE_VARIABLE = "UNDERSTUDY_PRIVATE_KEY_FILE"

_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")


class KeyUnavailable(Exception):
    """There is no key that may be used; the sentence never contains any of it."""


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
    return _checked(text, KEY_VARIABLE) if text else _checked(_file_text(Path(path)), path)


def _checked(text: str, source: str) -> PrivateKey:
    digits = text.strip()
    if not _KEY.fullmatch(digits):
        raise KeyUnavailable(f"{source} does not hold a private key: 64 hex digits are wanted")
    return PrivateKey("0x" + digits.removeprefix("0x"))


def _file_text(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
                raise KeyUnavailable(f"{path} is not a plain file of this user")
            if stat.S_IMODE(status.st_mode) & 0o077:
                raise KeyUnavailable(f"{path} can be read by others: chmod 600 {path}")
            return file.read(200)
    except OSError as error:
        raise KeyUnavailable(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KeyUnavailable(f"{path} does not hold a private key") from None
