"""Whom the doctor examines: a configuration, a data directory, and the host around them."""

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
"""Where the venue says whether orders are taken from here: its website, no configured address.

Source: Polymarket's documentation, geographic restrictions.
"""


@attrs.frozen(kw_only=True)
class Subject:
    """Everything that checks may look at; tests put other hosts in its place."""

    settings: Settings
    data_dir: Path
    is_local: bool
    """Orders would go to an exchange on this host."""
    geoblock_url: str | None
    """None where nobody asks where one is."""
    variables: Mapping[str, str] = attrs.field(repr=False)
    """The environment, which names or holds the private key."""
    wall_ms: Callable[[], int]
    """The host's time, by which requests and orders are signed."""
    redactor: Redactor = attrs.field(factory=Redactor)
    """Learns every secret that a check gets to see."""

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
    """The host that an address names, with its port where it has one."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or url
