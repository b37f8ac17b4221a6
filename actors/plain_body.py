"""Limits of an HTTP answer's body: it must not be compressed, nor longer than expected.

A megabyte of gzip decompresses to a gigabyte, and libraries decompress before anyone can check. So
no coding is requested (RFC 9110, 12.5.3), and a compressed answer is refused unread.
"""

from __future__ import annotations

BODY_BYTES_MAX = 4 * 1024 * 1024
PLAIN_BODY = {"Accept-Encoding": "identity"}


def is_plain(content_encoding: str) -> bool:
    """Return whether a body with this ``Content-Encoding`` is uncompressed."""
    return content_encoding.strip().lower() in ("", "identity")
