"""A fixture for every folder whose tests open the venue's client."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import httpx
import pytest


@pytest.fixture(autouse=True, scope="session")
def one_tls_context() -> Iterator[None]:
    """Load the certificates once: the venue's client makes a dozen connections, none with TLS."""
    with pytest.MonkeyPatch.context() as patch:
        transports = httpx._transports.default
        patch.setattr(
            transports, "create_ssl_context", functools.cache(transports.create_ssl_context)
        )
        yield
