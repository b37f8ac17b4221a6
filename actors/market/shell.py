"""Market state's actor."""

from __future__ import annotations

from actors.market.core import MarketStateCore
from actors.runtime.process import Shell


class MarketStateShell(Shell):
    """Runs MarketStateCore."""

    core_class = MarketStateCore
