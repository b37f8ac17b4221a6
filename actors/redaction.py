"""Removes secrets from texts that are logged, recorded or sent; pure.

Some secrets are known, such as the private key. Others are recognised by their form: signatures of
65 bytes or more, and the venue's authentication headers (Polymarket's documentation,
authentication), which a server may echo.
"""

from __future__ import annotations

import re
from typing import Any

import attrs
import msgspec

REDACTED = "<redacted>"
SIGNATURE = re.compile(r"[0-9a-fA-F]{130,}")
"""An ECDSA signature in hex, also one wrapped by a wallet. Ids are shorter."""
_HEADER = re.compile(
    r"(POLY[_-](?:SIGNATURE|PASSPHRASE|API[_-]KEY)\W{1,6})[\w+/=-]+", re.IGNORECASE
)
_LEAST_LENGTH = 6
"""A shorter text is not a secret, and would be removed from ordinary words."""


class Redactor:
    """Holds the secrets of this process; they can be added but never shown."""

    def __init__(self) -> None:
        self._secrets: list[str] = []

    def __repr__(self) -> str:
        """Show only how many there are."""
        return f"Redactor({len(self._secrets)} secrets)"

    def add(self, *secrets: str) -> None:
        """Remove these from now on, with and without 0x, in upper and lower case."""
        for secret in secrets:
            bare = secret.removeprefix("0x")
            self._secrets += [each for each in (secret, bare) if len(each) >= _LEAST_LENGTH]
        self._secrets.sort(key=len, reverse=True)

    def clean(self, text: str) -> str:
        """Return the text without secrets and signatures."""
        for secret in self._secrets:
            at = text.lower().find(secret.lower())
            while at >= 0:
                text = text[:at] + REDACTED + text[at + len(secret) :]
                at = text.lower().find(secret.lower())
        return _HEADER.sub(rf"\1{REDACTED}", SIGNATURE.sub(REDACTED, text))

    def cleaned(self, value: Any) -> Any:
        """Return a message, or a JSON answer, with all its texts cleaned."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, tuple | list):
            return type(value)(map(self.cleaned, value))
        if isinstance(value, dict):
            return {self.cleaned(name): self.cleaned(each) for name, each in value.items()}
        if isinstance(value, msgspec.Struct):
            return msgspec.structs.replace(value, **self.cleaned(msgspec.structs.asdict(value)))
        if attrs.has(type(value)):
            return attrs.evolve(value, **self.cleaned(attrs.asdict(value, recurse=False)))
        return value
