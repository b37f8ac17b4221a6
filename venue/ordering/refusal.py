"""A request that the exchange turns down as a whole."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen
class RequestRefused(Exception):
    """The request is answered with this error and nothing else happens.

    Texts and codes are those of the venue's documented error list.
    """

    status: int
    error: str
    code: str = ""
    retry_after_s: int | None = None
    rate_limit: Mapping[str, str] | None = None
    """Headers that tell the state of the caller's rate limit."""


def unauthorized() -> RequestRefused:
    """Say that key, signature or time of a request do not hold."""
    return RequestRefused(401, "Unauthorized/Invalid api key")


def unauthorized_by_wallet() -> RequestRefused:
    """Say that the wallet's own signature on a request does not hold."""
    return RequestRefused(401, "Invalid L1 Request headers")
