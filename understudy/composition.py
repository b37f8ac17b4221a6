"""The composition root: the actors of a run, and what each of them gets."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import attrs

from actors import roles
from actors.directory.core import DirectoryCore
from actors.directory.port import HttpPort
from actors.execution.desk import DeskCore
from actors.execution.latency import OrderLatency
from actors.execution.order import OrderCore
from actors.execution.real.core import RealExecutorCore
from actors.execution.simulated import SimulatedExecutorCore
from actors.feeds.market_feed import MarketFeedCore
from actors.feeds.polybolt import CredentialsUnavailable, FoundCredentials
from actors.feeds.port import PricePort, WebSocketPort
from actors.feeds.reference_feed import ReferenceFeedCore
from actors.feeds.twap_feed import TwapFeedCore
from actors.market.core import MarketStateCore
from actors.observer.core import ObserverCore
from actors.position.core import PositionCore
from actors.recorder.capturing import (
    capture_answers,
    capture_market,
    capture_prices,
    capture_reference,
    capture_user,
)
from actors.recorder.core import RecorderCore
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.clock import Clock, ClockSpec
from actors.runtime.port import HostPort
from actors.runtime.process import ActorProcess
from actors.settings import Settings, StrategySettings
from actors.strategy.choice import is_built_in
from actors.strategy.core import StrategyCore
from actors.strategy.latency import SignalLatency
from actors.strategy.loading import kept_in
from actors.supervision.layouts import layout_of
from actors.supervision.messages import ProcessSpec, SupervisorBoot
from understudy.credentials.live import LiveRefused, live_refusal
from understudy.credentials.price_feed import find_credentials, publish_accounts_own, unsafe_address
from understudy.credentials.private_key import read_private_key
from understudy.data_dir.kill_switch import kill_switch_halt, kill_switch_reason


def _websocket(*_: object) -> HostPort:
    """Make a websocket; the address comes with the core's first command."""
    return WebSocketPort()


def _prices(settings: Settings, data_dir: Path, _clock: Clock) -> HostPort:
    """Make a port that reads API credentials when it sends them."""

    def find() -> FoundCredentials:
        unsafe = unsafe_address(settings)
        if unsafe:
            raise CredentialsUnavailable(unsafe)
        return find_credentials(data_dir)

    return PricePort(find)


def _http(*_: object) -> HostPort:
    return HttpPort()


def _venue(settings: Settings, *_: object) -> HostPort:
    """Make the real executor's port; key and client are loaded here and in no other process.

    Raises:
        KeyUnavailable: there is no private key.
    """
    from actors.execution.real.port import VenuePort

    venue, wallet = settings.venue, settings.execution.wallet
    return VenuePort(venue, wallet, read_private_key().text, publish_accounts_own)


def _recorder(settings: Settings, data_dir: Path, clock: Clock) -> HostPort:
    from research.recordings.places import is_remote
    from research.recordings.port import RecorderPort, local_folder
    from research.recordings.room import RoomLimits
    from research.recordings.session import Recorder

    wanted = settings.recording
    return RecorderPort(
        local_folder(wanted.dir, data_dir),
        wanted.dir if is_remote(wanted.dir) else "",
        RoomLimits(
            max_bytes=int(wanted.max_gb * 1e9), min_free_bytes=int(wanted.min_free_gb * 1e9)
        ),
        Recorder(
            program=f"understudy {version('understudy')}",
            unix_ns=clock.unix_ns,
            monotonic_ns=time.monotonic_ns,
            offset_ms=lambda: clock.offset_ms,
            speed=clock.spec.speed,
        ),
    )


def _pulled_switch(data_dir: Path) -> Sequence[object]:
    """Halt, if the kill switch is pulled: the desk learns of it before any signal can arrive."""
    reason = kill_switch_reason(data_dir)
    return () if reason is None else (kill_switch_halt(reason),)


ACTORS: Mapping[str, ActorSpec] = {
    roles.OBSERVER: ActorSpec(core=ObserverCore),
    roles.POSITION: ActorSpec(core=PositionCore),
    roles.EXECUTOR: ActorSpec(core=SimulatedExecutorCore, probe=OrderLatency),
    roles.DESK: ActorSpec(core=DeskCore, opening=_pulled_switch),
    roles.STRATEGY: ActorSpec(core=StrategyCore, probe=SignalLatency),
    roles.MARKET_STATE: ActorSpec(core=MarketStateCore),
    roles.MARKET_FEED: ActorSpec(core=MarketFeedCore, make_port=_websocket, capture=capture_market),
    roles.REFERENCE_FEED: ActorSpec(
        core=ReferenceFeedCore, make_port=_websocket, capture=capture_reference
    ),
    roles.TWAP_FEED: ActorSpec(core=TwapFeedCore, make_port=_prices, capture=capture_prices),
    roles.DIRECTORY: ActorSpec(core=DirectoryCore, make_port=_http, capture=capture_answers),
}
"""The permanent actors in starting order: receivers start before senders."""

ORDER = ActorSpec(core=OrderCore)

REAL_EXECUTOR = ActorSpec(
    core=RealExecutorCore,
    make_port=_venue,
    capture=capture_user,
    probe=OrderLatency,
    stays_without_journal=True,  # somebody has to cancel what rests
)

RECORDER_SPEC = ActorSpec(core=RecorderCore, make_port=_recorder)

STRATEGIES_FOLDER = "strategies"
"""Where a data directory keeps your own strategies that ran on it, by their digests."""

_URGENT = {roles.MARKET_FEED, roles.MARKET_STATE, roles.STRATEGY, roles.DESK, roles.EXECUTOR}
"""The actors on a tick's way to an order."""


def actors_for(settings: Settings) -> dict[str, ActorSpec]:
    """The actor of each role of a run, in starting order; real money has its own executor."""
    is_live = settings.execution.mode == "live"
    specs = dict(ACTORS)
    if is_live:
        specs[roles.EXECUTOR] = REAL_EXECUTOR
    if not settings.is_trading:
        del specs[roles.STRATEGY]
    if settings.recording.enabled:
        specs = {roles.RECORDER: RECORDER_SPEC, **specs}
    return {role: spec for base, spec in specs.items() for role in settings.roles(base)}


def processes_for(settings: Settings, speed: float = 1.0) -> tuple[tuple[ProcessSpec, ...], str]:
    """Return a run's processes, in starting order, and the one in which orders live.

    No process is urgent in a run that is sped up: it competes for no real price, computes without
    end, and on few processors would leave its exchange no time.
    """
    is_live = settings.execution.mode == "live"
    layout = layout_of(
        settings.supervision.layout,
        tuple(actors_for(settings)),
        is_live=is_live,
        is_strategy_alone=_is_strategy_alone(settings),
    )
    specs = tuple(
        ProcessSpec(
            name=name,
            roles=there,
            is_urgent=speed == 1 and not _URGENT.isdisjoint(map(roles.base_role, there)),
        )
        for name, there in layout.processes
    )
    return specs, layout.orders_in


def _is_strategy_alone(settings: Settings) -> bool:
    """Whether strategies have processes of their own: by default those that are not built in."""
    wanted = settings.supervision.strategy_isolated
    if wanted is not None:
        return wanted
    return not all(is_built_in(plan.strategy) for plan in settings.plans)


def with_kept_strategies(settings: Settings, data_dir: Path) -> Settings:
    """Return settings whose own strategies are run from copies in the data directory.

    So editing a file changes no running strategy, nor what its successor would run.

    Raises:
        StrategyUnavailable: a file cannot be read, or has changed.
        OSError: a copy cannot be written.
    """

    def kept(strategy: StrategySettings) -> StrategySettings:
        if strategy.file is None:
            return strategy
        return attrs.evolve(strategy, file=kept_in(data_dir / STRATEGIES_FOLDER, strategy.file))

    return attrs.evolve(
        settings,
        strategy=kept(settings.strategy),
        traded=tuple(attrs.evolve(plan, strategy=kept(plan.strategy)) for plan in settings.traded),
    )


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
    """Return everything the supervisor needs to start the actors.

    Args:
        settings: the whole configuration.
        clock: venue time.
        data_dir: where the journal is.
        seed: for every actor's random numbers.
        log_to_stderr: whether log lines are shown as well.
        pause_points_dir: where a drill arms pause points.
        is_real_money_understood: whether the command line confirms it.
        is_rehearsal: the settings point at a local exchange, which has no real money.

    Raises:
        LiveRefused: the settings are for real money, and something forbids it.
        StrategyUnavailable: a strategy's file has changed.
    """
    if not is_rehearsal:
        refusal = live_refusal(settings, is_understood=is_real_money_understood)
        if refusal is not None:
            raise LiveRefused(refusal)
    settings = with_kept_strategies(settings, data_dir)
    processes, orders_in = processes_for(settings, clock.speed)
    return SupervisorBoot(
        settings=settings,
        clock=clock,
        data_dir=str(data_dir),
        log_to_stderr=log_to_stderr,
        seed=seed,
        processes=processes,
        orders_in=orders_in,
        actors=actors_for(settings),
        order=ORDER,
        process_class=ActorProcess,
        pause_points_dir=None if pause_points_dir is None else str(pause_points_dir),
    )


def with_settings(boot: SupervisorBoot, settings: Settings) -> SupervisorBoot:
    """Replace the settings, and with them the actors and processes that they require."""
    processes, orders_in = processes_for(settings, boot.clock.speed)
    return attrs.evolve(
        boot,
        settings=settings,
        processes=processes,
        orders_in=orders_in,
        actors=actors_for(settings),
    )


def pointed_at_local_exchange(settings: Settings, http_url: str, ws_url: str) -> Settings:
    """Return the settings with every address replaced by the local exchange's.

    An account there is its key's own: no other kind of wallet is served.
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
    """Return settings whose limits leave the machine enough time when venue time runs fast.

    A message takes its milliseconds whatever the clock's speed: at twenty times real time, a book
    that may be two seconds old would have to be used within a tenth of one. At speed 1 nothing
    changes.
    """
    if speed == 1:
        return settings
    least_ms = int(REAL_PATIENCE_MS * speed)
    execution = settings.execution

    def patient(strategy: StrategySettings) -> StrategySettings:
        return attrs.evolve(
            strategy,
            max_book_age_ms=max(strategy.max_book_age_ms, least_ms),
            max_reference_age_ms=max(strategy.max_reference_age_ms, least_ms),
        )

    return attrs.evolve(
        settings,
        strategy=patient(settings.strategy),
        traded=tuple(
            attrs.evolve(plan, strategy=patient(plan.strategy)) for plan in settings.traded
        ),
        execution=attrs.evolve(execution, order_ttl_ms=max(execution.order_ttl_ms, least_ms)),
        speed=speed,
    )
