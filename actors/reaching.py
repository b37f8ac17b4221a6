"""How a host that cannot be reached is named: the host first, then why, in words."""

from __future__ import annotations

import errno
import socket
from urllib.parse import urlsplit

NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ETIMEDOUT})
"""Of the system's errors, those that say that packets do not arrive."""


def unreachable_words(where: str, problem: BaseException) -> str:
    """Say in one sentence why a host cannot be reached.

    Args:
        where: its name, or an address, of which only the host is shown.
        problem: what connecting raised; aiohttp's errors carry the system's own.

    Returns:
        The sentence; empty if the problem is another one, such as an answer that is a refusal.
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
    except ValueError:  # it cannot be taken apart
        return where
