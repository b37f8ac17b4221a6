"""Keeps what the alerts' process must know after its own fall: one small file, written whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import attrs
import cattrs
from cattrs.preconf.json import make_converter

from actors.runtime.private_files import read_plain, write_plain
from understudy.alerting.core import AlertMemory
from understudy.alerting.queues import Queue

STORE_NAME = "alerts.json"
_converter = make_converter()


@attrs.frozen(kw_only=True)
class Kept:
    """All of it; no secret among it."""

    memory: AlertMemory | None = None
    """None: nothing has been looked at yet."""
    queues: Mapping[str, Queue] = attrs.field(factory=dict)


class StoreUnreadable(Exception):
    """The file is there and holds something else; one sentence."""


def load_kept(data_dir: Path) -> Kept:
    """Read what was kept; nothing if there is no such file.

    Raises:
        StoreUnreadable: it cannot be read.
    """
    path = data_dir / STORE_NAME
    try:
        return _converter.loads(read_plain(path), Kept)
    except FileNotFoundError:
        return Kept()
    except (OSError, ValueError, TypeError, KeyError, cattrs.BaseValidationError) as error:
        raise StoreUnreadable(f"{path} cannot be read ({type(error).__name__})") from None


def save_kept(data_dir: Path, kept: Kept) -> None:
    """Write it, so that after any fall either this or what was before is there.

    Raises:
        OSError: the directory does not take it.
    """
    write_plain(data_dir / STORE_NAME, json.dumps(_converter.unstructure(kept)))
