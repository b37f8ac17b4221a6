"""The actors of a run: the core of every role, and the ports that some of them need.

Tests replace a core by a broken one here, to see whether the referee notices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from actors.core import Core
from actors.directory.core import DirectoryCore
from actors.execution.desk import DeskCore
from actors.execution.order import OrderCore
from actors.execution.real.core import RealExecutorCore
from actors.execution.simulated import SimulatedExecutorCore
from actors.feeds.market_feed import MarketFeedCore
from actors.feeds.reference_feed import ReferenceFeedCore
from actors.feeds.twap_feed import TwapFeedCore
from actors.market.core import MarketStateCore
from actors.observer.core import ObserverCore
from actors.position.core import PositionCore
from actors.roles import (
    DESK,
    DIRECTORY,
    EXECUTOR,
    MARKET_FEED,
    MARKET_STATE,
    OBSERVER,
    POSITION,
    REFERENCE_FEED,
    STRATEGY,
    TWAP_FEED,
    base_role,
    order_id_of,
)
from actors.settings import Settings
from actors.strategy.core import StrategyCore
from simulation.context import SimulatedPort
from simulation.exchange.ports import SimulatedHttp, SimulatedPricePort, SimulatedWebSocket, Wire
from simulation.live.venue_port import SimulatedVenuePort
from simulation.simulated_actor import SimulatedActor

PortMaker = Callable[[Wire, SimulatedActor], SimulatedPort]

PERMANENT: Mapping[str, type[Core]] = {
    OBSERVER: ObserverCore,
    POSITION: PositionCore,
    EXECUTOR: SimulatedExecutorCore,
    DESK: DeskCore,
    STRATEGY: StrategyCore,
    MARKET_STATE: MarketStateCore,
    MARKET_FEED: MarketFeedCore,
    REFERENCE_FEED: ReferenceFeedCore,
    TWAP_FEED: TwapFeedCore,
    DIRECTORY: DirectoryCore,
}
"""The cores of ``understudy run``, in its starting order; a test compares the two."""

PORTS: Mapping[str, PortMaker] = {
    MARKET_FEED: SimulatedWebSocket,
    REFERENCE_FEED: SimulatedWebSocket,
    TWAP_FEED: SimulatedPricePort,
    DIRECTORY: SimulatedHttp,
}


@attrs.frozen(kw_only=True)
class ActorTable:
    """The cores of a run."""

    permanent: Mapping[str, type[Core]] = PERMANENT
    order: type[Core] = OrderCore
    ports: Mapping[str, PortMaker] = PORTS
    staying: frozenset[str] = frozenset()
    """Roles whose actor stays when it cannot record."""

    def core_class(self, role: str) -> type[Core]:
        """Return the core class of a role."""
        return self.order if order_id_of(role) is not None else self.permanent[base_role(role)]

    def roles(self, settings: Settings) -> tuple[str, ...]:
        """Return the permanent roles of a run, in starting order."""
        return tuple(role for base in self.permanent for role in settings.roles(base))

    def replacing(self, role: str, core: type[Core]) -> ActorTable:
        """Return a table with another core in one permanent role."""
        return attrs.evolve(self, permanent={**self.permanent, role: core})


REAL_ACTORS = ActorTable(
    permanent={**PERMANENT, EXECUTOR: RealExecutorCore},
    ports={**PORTS, EXECUTOR: SimulatedVenuePort},
    staying=frozenset({EXECUTOR}),
)
"""The cores of a run with real orders."""
