"""Every place at which Thespian 4.0.1 is reached into, and what for; hence its exact pin.

``transport.py`` is a part that Thespian has room for. Here is what it has no room for: pieces of
its own that are replaced, before the actor system starts, or read.
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
    # It lists each message's text, and its timers, for a line that no log level in use keeps.
    TransmitIntent.identify = _kind_of_message
    # Having reported one exit, it strikes every dead child off its list, and with it the one that
    # has died since and that nobody has reported: of ten killed within milliseconds, one or two.
    MultiProcReplicator._childExited = _leave_to_sigchld
    # A service manager sends SIGTERM to all processes of a run. The foreground has it, too, and has
    # the actors end their orders first; Thespian would have each of them leave at once.
    multiprocCommon.exit_signals.clear()
    # Its 5 s are real time: a forked admin may wait for a processor as long on a busy machine.
    multiprocCommon.MAX_ADMIN_STARTUP_DELAY = _ADMIN_START_LIMIT


def _kind_of_message(intent: Any) -> str:
    return type(intent.message).__name__


def _leave_to_sigchld(_manager: object, _child_address: object) -> None:
    """Do nothing: every exit ends in SIGCHLD, whose handler reports and strikes off the dead."""


def keep_log_in(path: Path) -> None:
    """Have Thespian's own log written to a file of this user alone, and to no other.

    It would be ``$TMPDIR/thespian.log``, where another user's link may wait to be followed.
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
    """Process id of an actor that another has just made with ``createActor``; 0 if that failed.

    The address is the one that ``createActor`` returned. Thespian forks within that call, and keeps
    the process beside the address; it hides both.
    """
    for child in reversed(getattr(actor._myRef, "_child_procs", [])):
        if child.childAddr == child_address:
            return int(child.childProc.pid)
    return 0
