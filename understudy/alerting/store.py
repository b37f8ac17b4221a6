"""Stores what the alerts process must know after a crash: one small file, written whole."""

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
    """Everything stored; it contains no secret."""

    memory: AlertMemory | None = None
    """None: nothing has been observed yet."""
    queues: Mapping[str, Queue] = attrs.field(factory=dict)


class StoreUnreadable(Exception):
    """The file exists but has unexpected contents; one sentence."""


def load_kept(data_dir: Path) -> Kept:
    """Read what was stored; the initial state if there is no such file.

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
    """Write it so that after a crash the file has either this or the previous state.

    Raises:
        OSError: the directory cannot be written.
    """
    write_plain(data_dir / STORE_NAME, json.dumps(_converter.unstructure(kept)))
