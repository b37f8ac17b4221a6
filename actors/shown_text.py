"""Makes texts from outside safe to display, by escaping control characters.

A refusal of the venue, a slug, a host's error or a damaged row may contain anything: escape
sequences that control the terminal, line breaks that forge log lines, marks that reverse the order
of text. Every text for people passes through here last.
"""

from __future__ import annotations

import functools
import unicodedata

_CONTROLLING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode's categories: controls (C0, DEL, C1), formats (bidirectional marks and overrides,
zero-width joiners), surrogates, private use, line and paragraph separators."""


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
