"""What fills a role: a core, and what its host is handed besides; a table of these is a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import attrs

from actors.core import Core
from actors.runtime.capture import CaptureEvent, capture_nothing
from actors.runtime.clock import Clock
from actors.runtime.port import HostPort
from actors.settings import Settings


class LatencyProbe(Protocol):
    """Knows which messages end a latency that is measured."""

    def latency_of(self, message: object) -> tuple[str, int] | None:
        """Name a latency and the host monotonic ns at which its tick arrived, if this ends one."""
        ...


class NoProbe:
    """Measures nothing: most actors end no tick's way."""

    def latency_of(self, message: object) -> tuple[str, int] | None:
        """Name nothing."""
        del message
        return None


def make_no_port(settings: Settings, data_dir: Path, clock: Clock) -> HostPort | None:
    """Make no port: most actors have none."""
    del settings, data_dir, clock
    return None


def no_opening(data_dir: Path) -> Sequence[object]:
    """Say nothing before others may: most actors need nothing."""
    del data_dir
    return ()


@attrs.frozen(kw_only=True)
class ActorSpec:
    """What fills a role. Functions and classes in it are named, so that it can be pickled."""

    core: type[Core]
    make_port: Callable[[Settings, Path, Clock], HostPort | None] = make_no_port
    capture: CaptureEvent = capture_nothing
    """What is recorded of its port's events, in a run that is recorded."""
    opening: Callable[[Path], Sequence[object]] = no_opening
    """What the core is told right after Started; is given the data directory."""
    probe: Callable[[], LatencyProbe] = NoProbe
    stays_without_journal: bool = False
    """As of HostContext."""
