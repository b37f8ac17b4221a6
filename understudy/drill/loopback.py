"""One question over HTTP to an exchange on this host, which no proxy can reach."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

_PATIENCE_S = 30.0
"""Far more than an answer takes: a busy machine is no failed drill."""
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(url: str, body: bytes | None = None) -> Any:
    """GET an address, or POST a body to it; return what the JSON of the answer says.

    Raises:
        HTTPError: the exchange answers with another status than 200.
        OSError: it cannot be reached, or does not answer in time.
    """
    try:
        with _opener.open(url, body, timeout=_PATIENCE_S) as response:
            return json.load(response)
    except TimeoutError:
        raise TimeoutError(f"no answer from {url} in {_PATIENCE_S:g} s") from None
