"""ActorSpec: the core of a role and what its host is given; a run is a table of these."""

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
    """Decides which messages end a measured latency."""

    def latency_of(self, message: object) -> tuple[str, int] | None:
        """Return the latency that a message ends, and its tick's host monotonic ns of arrival."""
        ...


class NoProbe:
    """Measures nothing, as for most actors."""

    def latency_of(self, message: object) -> tuple[str, int] | None:
        """Return None."""
        del message
        return None


def make_no_port(settings: Settings, data_dir: Path, clock: Clock) -> HostPort | None:
    """Return None: most actors have no port."""
    del settings, data_dir, clock
    return None


def no_opening(data_dir: Path) -> Sequence[object]:
    """Return no messages: most actors need none."""
    del data_dir
    return ()


@attrs.frozen(kw_only=True)
class ActorSpec:
    """What a role needs. Its functions and classes are module-level, so that it can be pickled."""

    core: type[Core]
    make_port: Callable[[Settings, Path, Clock], HostPort | None] = make_no_port
    capture: CaptureEvent = capture_nothing
    """What is recorded of its port's events, in a run that is recorded."""
    opening: Callable[[Path], Sequence[object]] = no_opening
    """Returns messages for the core right after Started, given the data directory."""
    probe: Callable[[], LatencyProbe] = NoProbe
    stays_without_journal: bool = False
    """As in HostContext."""
