"""The price feed: the venue's own average price, which sets strikes and settles windows.

The venue publishes it in two services, PolyBolt and the older RTDS, which it plans to shut down.
With ``price_source = "auto"`` both are used at the same time and their ticks are merged by
timestamp, so nothing is lost when one of them falls silent. PolyBolt is preferred while it serves:
it takes precedence where the two differ.

The ticks of seconds in which windows start and end are kept, repeated every few seconds, and sent
to a restarted directory, because a lost one could not be obtained again. A missing one is looked
for in a fresh history, which either service sends to a new connection.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from actors.core import (
    CancelTimer,
    Command,
    Core,
    Dice,
    Effects,
    Log,
    Send,
    SetTimer,
    earlier,
    handles,
)
from actors.feeds import polybolt
from actors.feeds.connection import (
    HEALTH_EVERY_MS,
    HEALTH_TIMER,
    Connected,
    Disconnected,
    FramesReceived,
    Rhythm,
)
from actors.feeds.polybolt import (
    CredentialsFound,
    CredentialsMissing,
    LookForCredentials,
    PolyBoltProtocol,
)
from actors.feeds.price_stream import PriceStream, ServiceSpec
from actors.feeds.rtds import RtdsProtocol
from actors.feeds.seen_ticks import SeenTicks, is_boundary
from actors.messages.feeds import (
    POLYBOLT,
    RTDS,
    FeedDown,
    FeedHealth,
    FeedUp,
    TwapTick,
    TwapTickWanted,
)
from actors.messages.lifecycle import PeerRestarted, Started, TimerFired
from actors.roles import DIRECTORY, OBSERVER, base_role
from actors.series import SeriesSettings
from actors.settings import Settings
from actors.units import e18_text

CREDENTIALS_TIMER = "credentials"
LOOK_EVERY_MS = 5_000
DENIED_RETRY_MS = 3_600_000
"""Refused credentials are tried again after this time: the service itself may have erred."""
FETCH_TIMER = "fetch"
FETCH_EVERY_MS = 10_000
HISTORY_MS = 120_000
"""How far back a fresh history reaches."""
STALE_AFTER_MS = 10_000
"""Either service publishes once a second."""
REAL_PATIENCE_MS = 1_000
"""Real time that a tick's delivery may take on a busy machine."""

NEWEST_TOLD = 10
BOUNDARIES_TOLD = 5
CONTRADICTION_EVERY_MS = 60_000

_LABELS = {POLYBOLT: "PolyBolt", RTDS: "RTDS"}


class TwapFeedCore(Core):
    """Feeds the directories with every tick, each once."""

    KEEPS_EACH_SERIES = True

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        wanted = settings.venue.price_source
        self.streams = {
            spec.name: PriceStream(spec, dice)
            for spec in _services(settings)
            if wanted in ("auto", spec.name)
        }
        """The services in use, the preferred one first."""
        self._seen = {asset: SeenTicks() for asset in settings.assets}
        self._directories = {
            asset: tuple(
                settings.role(DIRECTORY, plan.series.name)
                for plan in settings.plans
                if plan.series.asset == asset
            )
            for asset in settings.assets
        }
        """The directories that need an underlying's ticks, by underlying."""
        self._using = ""
        """The preferred service that serves now; empty while none does."""
        self._fingerprint = ""
        self._denied = ""
        """Fingerprint of the credentials that were refused."""
        self._denied_at_ms = 0
        self._missing = ""
        """Why there are no credentials, as logged last."""
        self._wanted: dict[str, int] = {}
        """By underlying, the moment whose tick is looked for."""
        self._contradictions_count = 0
        self._contradiction_told_at_ms: int | None = None

    @property
    def is_serving(self) -> bool:
        """Whether a service delivers new prices."""
        return bool(self._served())

    def clock_set_back(self, by_ms: int) -> None:
        """Shift past and due times back by as much as the clock was."""
        for stream in self.streams.values():
            stream.clock_set_back(by_ms)
        self._denied_at_ms -= by_ms
        self._contradiction_told_at_ms = earlier(self._contradiction_told_at_ms, by_ms)

    @handles(Started)
    def on_started(self, _message: Started, now_ms: int) -> Effects:
        """Connect; to PolyBolt as soon as there are credentials."""
        del now_ms
        effects: Effects = [SetTimer(HEALTH_TIMER, HEALTH_EVERY_MS)]
        for name, stream in self.streams.items():
            effects += [Command(LookForCredentials())] if name == POLYBOLT else stream.start()
        return effects

    # Connections

    @handles(Connected)
    def on_connected(self, event: Connected, now_ms: int) -> Effects:
        """Start the service's protocol."""
        effects: Effects = []
        for stream in self.streams.values():
            effects += stream.connected(event, now_ms)
        return effects

    @handles(Disconnected)
    def on_disconnected(self, event: Disconnected, now_ms: int) -> Effects:
        """Reconnect as the service asks for; the other one may serve in the meantime."""
        effects: Effects = []
        for stream in self.streams.values():
            effects += stream.disconnected(event, now_ms)
        return [*effects, *self._seek_credentials(now_ms), *self._choose_service()]

    @handles(FramesReceived)
    def on_frames(self, event: FramesReceived, now_ms: int) -> Effects:
        """Read a service's frames, and pass on what is new."""
        ticks: list[TwapTick] = []
        effects: Effects = []
        for stream in self.streams.values():
            found, done = stream.received(event, now_ms)
            ticks += found
            effects += done
        told = self._tell(ticks, now_ms)
        return [*effects, *told, *self._seek_credentials(now_ms), *self._choose_service()]

    @handles(TimerFired)
    def on_timer(self, timer: TimerFired, now_ms: int) -> Effects:
        """Look for credentials or a missing tick, or report; others belong to a connection."""
        if timer.key == HEALTH_TIMER:
            return self._report()
        if timer.key == CREDENTIALS_TIMER:
            return [Command(LookForCredentials())]
        if timer.key == FETCH_TIMER:
            return self._fetch(now_ms)
        kind, _, name = timer.key.partition("/")
        effects: Effects = []
        for stream in self.streams.values():
            effects += stream.wake(kind, name, now_ms)
        return [*effects, *self._choose_service()]

    # Credentials

    @handles(CredentialsFound)
    def on_credentials_found(self, found: CredentialsFound, now_ms: int) -> Effects:
        """Use the credentials, unless they are those that were refused."""
        stream = self.streams[POLYBOLT]
        is_other = found.fingerprint != self._fingerprint
        self._fingerprint, self._missing = found.fingerprint, ""
        if found.fingerprint == self._denied:
            if now_ms - self._denied_at_ms < DENIED_RETRY_MS:
                return [SetTimer(CREDENTIALS_TIMER, LOOK_EVERY_MS)]
            self._denied = ""
        said = [Log("info", f"PolyBolt: API credentials from {found.place}")] if is_other else []
        return [*said, CancelTimer(CREDENTIALS_TIMER), *stream.start()]

    @handles(CredentialsMissing)
    def on_credentials_missing(self, event: CredentialsMissing, _now_ms: int) -> Effects:
        """Continue without PolyBolt until there are credentials; log this once."""
        effects: Effects = [SetTimer(CREDENTIALS_TIMER, LOOK_EVERY_MS)]
        if not self.streams[POLYBOLT].is_serving:
            effects += self.streams[POLYBOLT].stop()
        if event.reason == self._missing:
            return effects
        self._missing = event.reason
        if event.are_coming:
            return [
                *effects,
                Log("info", f"PolyBolt waits: {event.reason}"),
                *self._choose_service(),
            ]
        rest = (
            "prices come from RTDS while it serves" if RTDS in self.streams else "there is no price"
        )
        level = "warning" if RTDS in self.streams else "error"
        said = Log(level, f"PolyBolt is not used, and {rest}: {event.reason}")
        return [*effects, said, *self._choose_service()]

    def _seek_credentials(self, now_ms: int) -> Effects:
        """Look for other credentials after a refusal: the same ones would be refused again."""
        stream = self.streams.get(POLYBOLT)
        if stream is None or not stream.is_denied or self._denied == self._fingerprint:
            return []
        self._denied, self._denied_at_ms = self._fingerprint, now_ms
        text = "PolyBolt refuses the API credentials; waiting for others, an hour at most"
        return [Log("error", text), SetTimer(CREDENTIALS_TIMER, LOOK_EVERY_MS)]

    # Ticks

    def _tell(self, ticks: list[TwapTick], now_ms: int) -> Effects:
        """Pass on new ticks; of a long history only the boundaries and the newest."""
        new: dict[str, list[TwapTick]] = {asset: [] for asset in self._seen}
        effects: Effects = []
        for tick in ticks:
            is_new, contradicted = self._seen[tick.asset].note(tick)
            new[tick.asset] += [tick] if is_new else []
            if contradicted is not None:
                effects += self._say_contradiction(tick, contradicted, now_ms)
        for each in new.values():
            told = [tick for tick in each[:-NEWEST_TOLD] if is_boundary(tick)][-BOUNDARIES_TOLD:]
            effects += self._say(told + each[-NEWEST_TOLD:])
        return effects

    def _say(self, ticks: Iterable[TwapTick]) -> Effects:
        """Send ticks to the directories that trade on their underlying."""
        return [Send(role, tick) for tick in ticks for role in self._directories[tick.asset]]

    def _say_contradiction(self, tick: TwapTick, known: TwapTick, now_ms: int) -> Effects:
        self._contradictions_count += 1
        told_at_ms = self._contradiction_told_at_ms
        if told_at_ms is not None and now_ms - told_at_ms < CONTRADICTION_EVERY_MS:
            return []
        self._contradiction_told_at_ms = now_ms
        words = (
            f"two prices for {tick.timestamp_ms}: {e18_text(known.price_e18)} by "
            f"{_LABELS[known.source]}, {e18_text(tick.price_e18)} by {_LABELS[tick.source]}"
        )
        return [Log("warning", f"{words}; {self._contradictions_count} of this kind so far")]

    @handles(TwapTickWanted)
    def on_tick_wanted(self, wanted: TwapTickWanted, now_ms: int) -> Effects:
        """Send a tick again, or look for it in a fresh history."""
        asset = wanted.asset or self.settings.series.asset
        tick = self._seen[asset].at(wanted.timestamp_ms)
        if tick is not None:
            return self._say([tick])
        if self._wanted.get(asset) == wanted.timestamp_ms:
            return []  # it is already being looked for
        self._wanted[asset] = wanted.timestamp_ms
        return self._fetch(now_ms)

    def _fetch(self, now_ms: int) -> Effects:
        """Get a fresh history, repeated with growing delays while a tick can be in it."""
        self._wanted = {
            asset: at_ms
            for asset, at_ms in self._wanted.items()
            if self._seen[asset].at(at_ms) is None and now_ms - at_ms <= HISTORY_MS
        }
        if not self._wanted:
            return []
        waited_ms = now_ms - max(self._wanted.values())
        effects: Effects = [SetTimer(FETCH_TIMER, max(FETCH_EVERY_MS, waited_ms))]
        for stream in self.streams.values():
            effects += stream.renew(now_ms)
        return effects

    @handles(PeerRestarted)
    def on_peer_restarted(self, peer: PeerRestarted, _now_ms: int) -> Effects:
        """Send a new directory the boundary ticks and the newest."""
        if base_role(peer.role) != DIRECTORY:
            return []
        seen = self._seen[self.settings.for_role(peer.role).series.asset]
        ticks = [*seen.boundaries]
        if seen.newest is not None and seen.newest not in ticks:
            ticks.append(seen.newest)
        return [Send(peer.role, tick) for tick in ticks]

    # Which service is in use

    def _served(self) -> str:
        return next((name for name, stream in self.streams.items() if stream.is_serving), "")

    def _choose_service(self) -> Effects:
        """Log which service is in use, once at each change."""
        using = self._served()
        if using == self._using:
            return []
        before, self._using = self._using, using
        troubles = "; ".join(
            f"{_LABELS[name]}: {stream.trouble}"
            for name, stream in self.streams.items()
            if stream.trouble
        )
        because = f" ({troubles})" if troubles else ""
        if not using:
            reason = troubles or "no service is working"
            return [
                Send(OBSERVER, FeedDown(self.role, reason)),
                Log("warning", f"there is no price: {reason}"),
            ]
        said = Log("info", f"prices come from {_LABELS[using]}{because}")
        return [said] if before else [Send(OBSERVER, FeedUp(self.role)), said]

    def _report(self) -> Effects:
        """Report the counters, and repeat the last boundary's tick."""
        effects: Effects = [
            Send(OBSERVER, self._health()),
            SetTimer(HEALTH_TIMER, HEALTH_EVERY_MS),
            *(each for seen in self._seen.values() for each in self._say(seen.boundaries[-1:])),
        ]
        unread = [stream.counts.take_new() for stream in self.streams.values()]
        return [*effects, *(Log("warning", each) for each in unread if each)]

    def _health(self) -> FeedHealth:
        streams = self.streams.values()
        counts = [each.counts for each in streams]
        return FeedHealth(
            feed=self.role,
            is_up=self.is_serving,
            frames_count=sum(each.frames_count for each in counts),
            malformed_count=sum(each.malformed_count for each in counts),
            merged_count=0,
            reconnect_count=sum(each.reconnect_count for each in streams),
            sequence_gap_count=sum(each.lost_count for each in streams),
            last_malformed=next((e.last_malformed for e in counts if e.last_malformed), ""),
            data_at_ms=max(each.data_at_ms for each in streams) or None,
            is_denied=any(each.is_denied for each in streams),
            source=self._served(),
        )


def _services(settings: Settings) -> tuple[ServiceSpec, ServiceSpec]:
    """Describe the two services, the preferred one first."""
    venue, series = settings.venue, [SeriesSettings(asset=asset) for asset in settings.assets]
    stale_after_ms = max(STALE_AFTER_MS, int(REAL_PATIENCE_MS * settings.speed))
    return (
        ServiceSpec(
            name=POLYBOLT,
            label=_LABELS[POLYBOLT],
            url=venue.polybolt_ws_url,
            rhythm=Rhythm(
                stale_after_ms=stale_after_ms,
                ping_every_ms=30_000,
                ping_text=polybolt.PING_TEXT,
            ),
            new_protocol=partial(PolyBoltProtocol, *(each.polybolt_symbol for each in series)),
        ),
        ServiceSpec(
            name=RTDS,
            label=_LABELS[RTDS],
            url=venue.rtds_ws_url,
            rhythm=Rhythm(stale_after_ms=stale_after_ms, ping_every_ms=5_000),
            new_protocol=partial(RtdsProtocol, *(each.twap_symbol for each in series)),
        ),
    )
