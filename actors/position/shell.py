"""The process around the ledger."""

from __future__ import annotations

from actors.position.core import PositionCore
from actors.shell import Shell


class PositionShell(Shell):
    """Runs PositionCore."""

    core_class = PositionCore
