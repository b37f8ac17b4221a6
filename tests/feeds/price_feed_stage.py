"""The price feed's core under a test's hands: its connections by name, and what it says of them."""

from __future__ import annotations

from typing import TypeVar

import attrs
from feed_builders import NOW_MS, FixedDice, commands, sent, timers
from price_frames import AUTHED, SUBSCRIBED

from actors.core import CancelTimer, Dice, Effects, Log
from actors.feeds.connection import Connect, Connected, Disconnect, Disconnected, FramesReceived
from actors.feeds.polybolt import CredentialsFound, CredentialsMissing
from actors.feeds.twap_feed import TwapFeedCore
from actors.messages.feeds import TwapTick
from actors.messages.lifecycle import Started, TimerFired
from actors.roles import DIRECTORY, TWAP_FEED
from actors.settings import Settings, VenueSettings

RTDS_1 = "rtds-1"
BOLT_1, BOLT_2, BOLT_3 = "polybolt-1", "polybolt-2", "polybolt-3"

_Kind = TypeVar("_Kind")


class PriceFeed:
    """A core, its open connections, its timers, and everything that it did."""

    def __init__(self, source: str = "auto", dice: Dice | None = None, speed: float = 1.0) -> None:
        venue = attrs.evolve(VenueSettings(), price_source=source)
        settings = attrs.evolve(Settings(venue=venue), speed=speed)
        self.core = TwapFeedCore(TWAP_FEED, settings, dice or FixedDice())
        self.now_ms = NOW_MS
        self.connecting: dict[str, int] = {}
        self.open: dict[str, int] = {}
        self.due_ms: dict[str, int] = {}
        self.done: Effects = []
        self.give(Started())

    def give(self, message: object) -> Effects:
        """Give it a message; returns what it did about that."""
        effects = self.core.handle(message, self.now_ms)
        self.done += effects
        for connect in commands(effects, Connect):
            self.open.pop(connect.name, None)
            self.connecting[connect.name] = connect.epoch
        for gone in commands(effects, Disconnect):
            self.open.pop(gone.name, None)
            self.connecting.pop(gone.name, None)
        for effect in effects:
            if isinstance(effect, CancelTimer):
                self.due_ms.pop(effect.key, None)
        for key, delay_ms in timers(effects).items():
            self.due_ms[key] = self.now_ms + delay_ms
        return effects

    def opens(self, name: str) -> Effects:
        """A connection that is being made is open."""
        self.open[name] = self.connecting.pop(name)
        return self.give(Connected(self.open[name], name))

    def hears(self, name: str, *raws: bytes) -> Effects:
        """Frames come on an open connection."""
        frames = tuple((raw, number) for number, raw in enumerate(raws, 1))
        return self.give(FramesReceived(self.open[name], frames, name))

    def loses(
        self, name: str, code: int | None = None, retry_after_ms: int | None = None
    ) -> Effects:
        """A connection is closed, or could not be made."""
        epoch = self.open.pop(name, None) or self.connecting.pop(name)
        return self.give(Disconnected(epoch, "it is gone", name, code, retry_after_ms))

    def finds_credentials(self, fingerprint: str = "f1") -> Effects:
        return self.give(CredentialsFound(fingerprint, "a file"))

    def misses_credentials(self, reason: str = "there are none") -> Effects:
        return self.give(CredentialsMissing(reason))

    def subscribes(self, name: str, *raws: bytes) -> Effects:
        """PolyBolt takes credentials and subscription on an open connection, and says more."""
        return self.hears(name, AUTHED, SUBSCRIBED, *raws)

    def brings_up(self, name: str, *raws: bytes) -> Effects:
        """A connection of either service opens, and serves its first frames."""
        self.opens(name)
        return self.hears(name, *raws) if name == RTDS_1 else self.subscribes(name, *raws)

    def waits(self, ms: int) -> Effects:
        """Let time pass, and what is due happen; returns what it did."""
        end_ms = self.now_ms + ms
        done: Effects = []
        while self.due_ms and min(self.due_ms.values()) <= end_ms:
            key = min(self.due_ms, key=lambda each: self.due_ms[each])
            self.now_ms = max(self.now_ms, self.due_ms.pop(key))
            done += self.give(TimerFired(key))
        self.now_ms = end_ms
        return done

    def told(self, effects: Effects) -> list[TwapTick]:
        """The ticks among effects."""
        return sent(effects, TwapTick, DIRECTORY)

    @property
    def log(self) -> list[str]:
        """Every line so far."""
        return [effect.text for effect in self.done if isinstance(effect, Log)]


def lines(effects: Effects) -> list[str]:
    """Log lines among effects."""
    return [effect.text for effect in effects if isinstance(effect, Log)]


def moments(ticks: list[TwapTick]) -> list[int]:
    """Times of ticks."""
    return [tick.timestamp_ms for tick in ticks]
