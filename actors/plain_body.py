"""What an answer's body may be: not packed, and not longer than any honest one.

A megabyte of gzip unpacks to a gigabyte, and libraries unpack whatever arrives before anyone can
look at it. So no coding is asked for (RFC 9110, 12.5.3), and one that is used all the same is
refused unread.
"""

from __future__ import annotations

BODY_BYTES_MAX = 4 * 1024 * 1024
PLAIN_BODY = {"Accept-Encoding": "identity"}


def is_plain(content_encoding: str) -> bool:
    """Whether a body with this ``Content-Encoding`` is what it looks like."""
    return content_encoding.strip().lower() in ("", "identity")
