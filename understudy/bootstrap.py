"""The composition root: which actors there are, and what each run hands them."""

from __future__ import annotations

from pathlib import Path

import attrs

from actors.directory.shell import DirectoryShell
from actors.execution.real.shell import RealExecutorShell
from actors.execution.shell import DeskShell, OrderShell, SimulatedExecutorShell
from actors.feeds.shell import MarketFeedShell, ReferenceFeedShell, TwapFeedShell
from actors.market.shell import MarketStateShell
from actors.observer.shell import ObserverShell
from actors.position.shell import PositionShell
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
)
from actors.runtime.clock import ClockSpec
from actors.settings import Settings
from actors.strategy.shell import StrategyShell
from actors.supervision.messages import ChildSpec, SupervisorBoot
from understudy.live import LiveRefused, live_refusal

CHILDREN = (
    ChildSpec(OBSERVER, ObserverShell),
    ChildSpec(POSITION, PositionShell),
    ChildSpec(EXECUTOR, SimulatedExecutorShell, is_urgent=True),
    ChildSpec(DESK, DeskShell, is_urgent=True),
    ChildSpec(STRATEGY, StrategyShell, is_urgent=True),
    ChildSpec(MARKET_STATE, MarketStateShell, is_urgent=True),
    ChildSpec(MARKET_FEED, MarketFeedShell, is_urgent=True),
    ChildSpec(REFERENCE_FEED, ReferenceFeedShell),
    ChildSpec(TWAP_FEED, TwapFeedShell),
    ChildSpec(DIRECTORY, DirectoryShell),
)
"""The permanent troupe in starting order: whoever is told something starts before who tells it."""


def children_for(settings: Settings) -> tuple[ChildSpec, ...]:
    """The troupe of a run: with real money another executor, and otherwise the same."""
    if settings.execution.mode != "live":
        return CHILDREN
    return tuple(
        attrs.evolve(child, shell=RealExecutorShell) if child.role == EXECUTOR else child
        for child in CHILDREN
    )


def _in_its_turn(child: ChildSpec) -> ChildSpec:
    """The same child, no longer urgent: a run that is sped up has nobody's price to be late for.

    It computes without end, too, and on few processors would leave its exchange no time.
    """
    return attrs.evolve(child, is_urgent=False)


def supervisor_boot(
    settings: Settings,
    clock: ClockSpec,
    data_dir: Path,
    *,
    seed: int,
    log_to_stderr: bool,
    pause_points_dir: Path | None = None,
    is_real_money_understood: bool = False,
    is_rehearsal: bool = False,
) -> SupervisorBoot:
    """Everything the supervisor needs to start the troupe.

    Args:
        settings: the whole configuration.
        clock: venue time.
        data_dir: where the journal is.
        seed: for every actor's dice.
        log_to_stderr: whether lines of the log are shown as well.
        pause_points_dir: where a drill arms pause points.
        is_real_money_understood: whether someone said so on the command line.
        is_rehearsal: the settings point at a local exchange, which has no real money.

    Raises:
        LiveRefused: the settings are for real money, and something speaks against it.
    """
    if not is_rehearsal:
        refusal = live_refusal(settings, is_understood=is_real_money_understood)
        if refusal is not None:
            raise LiveRefused(refusal)
    children = children_for(settings)
    if clock.speed != 1:
        children = tuple(map(_in_its_turn, children))
    return SupervisorBoot(
        settings=settings,
        clock=clock,
        data_dir=str(data_dir),
        log_to_stderr=log_to_stderr,
        seed=seed,
        children=children,
        order_shell=OrderShell,
        pause_points_dir=None if pause_points_dir is None else str(pause_points_dir),
    )


def pointed_at_local_exchange(settings: Settings, http_url: str, ws_url: str) -> Settings:
    """Return the settings with every address replaced by the local exchange's.

    There an account is its key's own: no other kind of wallet is served.
    """
    venue = attrs.evolve(
        settings.venue,
        gamma_url=http_url,
        clob_url=http_url,
        clob_ws_url=f"{ws_url}/ws",
        rtds_ws_url=f"{ws_url}/rtds",
        polybolt_ws_url=f"{ws_url}/polybolt",
        coinbase_ws_url=f"{ws_url}/coinbase",
    )
    execution = attrs.evolve(settings.execution, wallet=None)
    return attrs.evolve(settings, venue=venue, execution=execution)


REAL_PATIENCE_MS = 500
"""What processes and sockets of a busy machine may need, in real time."""


def with_patience(settings: Settings, speed: float) -> Settings:
    """Return settings whose limits leave the machine its time when venue time runs fast.

    A message takes its milliseconds whatever the clock's speed: at twenty times real time, a book
    that may be two seconds old would have to be used within a tenth of one. At speed 1 nothing
    changes.
    """
    if speed == 1:
        return settings
    least_ms = int(REAL_PATIENCE_MS * speed)
    strategy, execution = settings.strategy, settings.execution
    return attrs.evolve(
        settings,
        strategy=attrs.evolve(
            strategy,
            max_book_age_ms=max(strategy.max_book_age_ms, least_ms),
            max_reference_age_ms=max(strategy.max_reference_age_ms, least_ms),
        ),
        execution=attrs.evolve(execution, order_ttl_ms=max(execution.order_ttl_ms, least_ms)),
        speed=speed,
    )
