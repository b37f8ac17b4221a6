"""Sentences about hosts that cannot be reached: the host first, then the reason."""

from __future__ import annotations

import errno
import socket
from urllib.parse import urlsplit

NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ETIMEDOUT})
"""System errors which mean that packets do not arrive."""


def unreachable_words(where: str, problem: BaseException) -> str:
    """Return one sentence about why a host cannot be reached.

    Args:
        where: its name, or an address, of which only the host is shown.
        problem: the exception of connecting; aiohttp's contain the system's own.

    Returns:
        The sentence; empty for another problem, such as an answer that refuses the request.
    """
    host = _host_of(where)
    cause = getattr(problem, "os_error", problem)
    if isinstance(cause, socket.gaierror):
        return f"the name {host} cannot be looked up: {cause.strerror}"
    if isinstance(cause, ConnectionRefusedError):
        return f"{host} refused the connection"
    if isinstance(cause, OSError) and cause.errno in NO_WAY:
        return f"{host} cannot be reached: {cause.strerror}"
    return ""


def _host_of(where: str) -> str:
    try:
        return urlsplit(where).netloc.rpartition("@")[2] or where
    except ValueError:  # it cannot be parsed
        return where
