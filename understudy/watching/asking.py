"""How a watcher asks a running system for its status."""

from __future__ import annotations

from pathlib import Path

import cattrs

from understudy.control import ControlError, NotRunning, ask
from understudy.display.status import Status, status_of


class Unanswered(Exception):
    """There is no status; the sentence says why."""


def ask_status(data_dir: Path) -> Status:
    """Ask the system that runs on a data directory for everything that it shows.

    Raises:
        Unanswered: it does not run, does not answer, or is of another version.
    """
    try:
        return status_of(ask(data_dir, "status"))
    except (NotRunning, ControlError) as error:
        raise Unanswered(str(error)) from None
    except (cattrs.BaseValidationError, KeyError, TypeError, ValueError) as error:
        name = type(error).__name__
        raise Unanswered(f"another version of the program answers: {name}") from None
