"""The process around the ledger."""

from __future__ import annotations

from actors.position.core import PositionCore
from actors.runtime.process import Shell


class PositionShell(Shell):
    """Runs PositionCore."""

    core_class = PositionCore
