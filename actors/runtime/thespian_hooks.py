"""Every place that depends on internals of Thespian 4.0.1, and why; hence its exact pin.

``transport.py`` uses a documented extension point. This module replaces parts, before the actor
system starts, for which Thespian has none, or reads them.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from thespian.system import multiprocCommon, utilis
from thespian.system.multiprocCommon import MultiProcReplicator
from thespian.system.transport import TransmitIntent

from actors.runtime.private_files import open_plain

_ADMIN_START_LIMIT = timedelta(seconds=20)


def install() -> None:
    """Replace what must be different in every process of a run."""
    # It formats each message, and its timers, for a log line below every log level in use.
    TransmitIntent.identify = _kind_of_message
    # After reporting one exit, it removes every dead child from its list, and with it any that has
    # died since and was not reported: of ten killed within milliseconds, one or two.
    MultiProcReplicator._childExited = _leave_to_sigchld
    # A service manager sends SIGTERM to all processes of a run. The foreground gets it too, and
    # makes the actors end their orders first; Thespian would end each of them at once.
    multiprocCommon.exit_signals.clear()
    # Its 5 s are real time: on a busy machine a forked admin may wait that long for a processor.
    multiprocCommon.MAX_ADMIN_STARTUP_DELAY = _ADMIN_START_LIMIT


def _kind_of_message(intent: Any) -> str:
    return type(intent.message).__name__


def _leave_to_sigchld(_manager: object, _child_address: object) -> None:
    """Do nothing: every exit causes SIGCHLD, whose handler reports and removes the dead."""


def keep_log_in(path: Path) -> None:
    """Write Thespian's own log to a file of this user only.

    Otherwise it would be ``$TMPDIR/thespian.log``, where another user may have put a link.
    """
    utilis._thesplog_file = str(path)
    utilis._thesplog_old_file = f"{path}.old"
    utilis.open = _open_private


def _open_private(path: str, mode: str) -> IO[str]:
    opened: IO[str] = open(  # noqa: SIM115 # whoever calls this closes it
        path,
        mode,
        encoding="utf-8",
        errors="backslashreplace",
        opener=lambda name, flags: open_plain(Path(name), flags),
    )
    return opened


def pid_of_child(actor: Any, child_address: object) -> int:
    """Return the process id of an actor just made with ``createActor``; 0 if that failed.

    The address is the one that ``createActor`` returned. Thespian forks within that call, and keeps
    the process beside the address; it hides both.
    """
    for child in reversed(getattr(actor._myRef, "_child_procs", [])):
        if child.childAddr == child_address:
            return int(child.childProc.pid)
    return 0
