"""The subject of an examination: a configuration, a data directory, and the host around them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from actors.proxies import is_on_this_host
from actors.redaction import Redactor
from actors.settings import Settings

GEOBLOCK_URL = "https://polymarket.com/api/geoblock"
"""The venue's website says here whether orders are accepted from this address.

Source: Polymarket's documentation, geographic restrictions.
"""


@attrs.frozen(kw_only=True)
class Subject:
    """Everything that checks may examine; tests substitute other hosts."""

    settings: Settings
    data_dir: Path
    is_local: bool
    """Whether orders would go to an exchange on this host."""
    geoblock_url: str | None
    """None if the location does not matter."""
    variables: Mapping[str, str] = attrs.field(repr=False)
    """The environment, which names or holds the private key."""
    wall_ms: Callable[[], int]
    """The host's time, with which requests and orders are signed."""
    redactor: Redactor = attrs.field(factory=Redactor)
    """Learns every secret that a check sees."""

    @property
    def is_live(self) -> bool:
        """Whether real orders would be signed."""
        return self.settings.execution.mode == "live"


def subject_of(settings: Settings, data_dir: Path) -> Subject:
    """This host, with a configuration and a data directory."""
    is_local = is_on_this_host(settings.venue.clob_url)
    return Subject(
        settings=settings,
        data_dir=data_dir,
        is_local=is_local,
        geoblock_url=None if is_local else GEOBLOCK_URL,
        variables=os.environ,
        wall_ms=lambda: time.time_ns() // 1_000_000,
    )


def host_of(url: str) -> str:
    """The host of an address, with its port if it has one."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or url
