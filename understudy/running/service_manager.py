"""Reports a run's state to systemd: ready, alive, ending. Without systemd it does nothing.

Source: sd_notify(3). A datagram of ``NAME=value`` lines to the socket that ``NOTIFY_SOCKET`` names.
"WATCHDOG=1" must be sent once in ``WATCHDOG_USEC`` microseconds; twice is advised.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping

from actors.shown_text import shown
from actors.supervision.messages import ChildrenReport, ChildState
from understudy.watching.health import is_permanent

_US_PER_S = 1_000_000
_UP = (ChildState.SERVING, ChildState.WAITING)


class ServiceManager:
    """Notifies the service manager that started the run, if one did.

    Removes the variables from the environment, so that actors cannot notify in the run's name.
    """

    def __init__(self, environment: MutableMapping[str, str] | None = None) -> None:
        variables = os.environ if environment is None else environment
        self._address = variables.pop("NOTIFY_SOCKET", "")
        watchdog_pid = variables.pop("WATCHDOG_PID", "")
        watchdog_us = variables.pop("WATCHDOG_USEC", "")
        is_meant = watchdog_pid in ("", str(os.getpid())) and watchdog_us.isdecimal()
        self._beat_every_s = int(watchdog_us) / 2 / _US_PER_S if is_meant else 0.0
        self._beat_at_s = 0.0
        self._is_ready = False

    def beat(self, report: ChildrenReport | None) -> None:
        """Report that the loop turns, if it is due; and once, that every permanent actor is up."""
        if not self._address:
            return
        if not self._is_ready and report is not None and _is_up(report):
            self._is_ready = True
            self._say(f"READY=1\nSTATUS={len(report.children)} actors are up")
        now_s = time.monotonic()
        if self._beat_every_s and now_s >= self._beat_at_s:
            self._beat_at_s = now_s + self._beat_every_s
            self._say("WATCHDOG=1")

    def ending(self, reason: str, limit_s: float) -> None:
        """Report that the run ends, and how long it may take; the loop stops turning meanwhile."""
        limit_us = int(limit_s * _US_PER_S)
        status = shown(reason.replace("\n", " "))  # a line break would start another variable
        watchdog = f"WATCHDOG_USEC={limit_us}\n" if self._beat_every_s else ""
        self._say(f"STOPPING=1\nSTATUS=ending: {status}\n{watchdog}EXTEND_TIMEOUT_USEC={limit_us}")

    def _say(self, words: str) -> None:
        if not self._address:
            return
        # A leading @ stands for the zero byte of an abstract socket's name.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
                speaker.setblocking(False)
                speaker.sendto(words.encode(), address)
        except OSError:  # no descriptor is free, or systemd is busy: the next beat tries again
            self._beat_at_s = 0.0


def _is_up(report: ChildrenReport) -> bool:
    permanent = [child for child in report.children if is_permanent(child.role)]
    return bool(permanent) and all(child.state in _UP for child in permanent)
