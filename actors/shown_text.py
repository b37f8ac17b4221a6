"""Texts from outside as they may be shown: control characters are seen, and do nothing.

A refusal of the venue, a slug, a host's error or a damaged row may hold anything: escape sequences
that command the terminal, line breaks that forge a second line of a log, marks that turn the order
of what follows. Whoever writes a text for people passes it through here last.
"""

from __future__ import annotations

import functools
import unicodedata

_CONTROLLING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode's categories: controls (C0, DEL, C1), formats (bidirectional marks and overrides, joiners
of no width), surrogates, private use, line and paragraph separators."""


def shown(text: str, *, keeps_breaks: bool = False) -> str:
    r"""The text with each control character as an escape, such as ``\x1b`` or ``\u202e``.

    Args:
        text: from anywhere.
        keeps_breaks: line feeds stay, because the text is one of several lines.
    """
    if text.isprintable() and text.isascii():
        return text
    return "".join(_shown(sign, keeps_breaks=keeps_breaks) for sign in text)


@functools.lru_cache(maxsize=4_096)
def _shown(sign: str, *, keeps_breaks: bool) -> str:
    if sign == "\n" and keeps_breaks:
        return sign
    if unicodedata.category(sign) not in _CONTROLLING:
        return sign
    return sign.encode("unicode_escape").decode()
