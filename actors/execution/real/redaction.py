"""Takes secrets out of texts that are logged, recorded or sent."""

from __future__ import annotations

REDACTED = "<redacted>"
_LEAST_LENGTH = 6
"""A shorter text is no secret, and would be taken out of innocent words."""


class Redactor:
    """Knows the secrets of this process; they can be added, and never be shown."""

    def __init__(self) -> None:
        self._secrets: list[str] = []

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"Redactor({len(self._secrets)} secrets)"

    def add(self, *secrets: str) -> None:
        """Take these out from now on, with and without 0x, in either case of letters."""
        for secret in secrets:
            bare = secret.removeprefix("0x")
            self._secrets += [each for each in (secret, bare) if len(each) >= _LEAST_LENGTH]
        self._secrets.sort(key=len, reverse=True)

    def clean(self, text: str) -> str:
        """Return the text without any of them."""
        for secret in self._secrets:
            at = text.lower().find(secret.lower())
            while at >= 0:
                text = text[:at] + REDACTED + text[at + len(secret) :]
                at = text.lower().find(secret.lower())
        return text
