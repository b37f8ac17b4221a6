"""One simulated window: its engine, the agents that trade in it, and its public books."""

from __future__ import annotations

from random import Random

import attrs

from actors.units import PAYOUT_TICKS, UNITS_PER_SHARE
from venue.engine import Ledger
from venue.engine.messages import EngineEvent, Outcome, Traded
from venue.frames import NEW_MARKETS_KEY, Channel, Frame, is_custom
from venue.prices import PriceStreams
from venue.simulation.listed_window import (
    COARSE_TICKS,
    FINE_BEYOND_TICKS,
    FINE_TICKS,
    ListedWindow,
)
from venue.simulation.oddities import Oddities
from venue.simulation.quoting import Mood, Quote, Quoter
from venue.simulation.reference import ReferenceWalk
from venue.simulation.taking import Taker
from venue.windows import Window
from venue.wire import market as wire
from venue.wire.gamma import MarketStatus, question_text
from venue.world import STEP_MS

_COARSE_WITHIN_TICKS = 60
"""Farther from both ends than this, the grid becomes coarse again; the gap prevents flicker."""
_THINK_MS = 100
"""How often the agents look at the reference price."""
_TRADES_PER_FRAME = 0.02
_JUMP_LAG_CHANCE = 0.5
_QUIET_LAGS_PER_S = 1 / 600
_TAKER_DELAY_MS = 250
_RUSH_MS = 90_000
_RUSH_ACTIVITY = 1.25
_NORMAL_ACTIVITY = 0.9
_STILL_ACTIVITY = 0.04
"""Before its start and after its end a window is almost still,"""
_WARM_UP_MS = 15_000
"""except shortly before its start."""
_MOST_LOSER_CHANCE = 0.015
_LOSER_CHANCE_FADES_MS = 60_000
_PICK_OFF_CHANCE = 0.35
"""Chance that an informed taker looks, each time the agents think."""


@attrs.frozen
class Underlying:
    """What the agents of a market see outside it: the underlying's price, and its samples."""

    walk: ReferenceWalk
    prices: PriceStreams


class SimulatedMarket(ListedWindow):
    """A window from its listing to its resolution, in steps of venue time."""

    def __init__(
        self,
        window: Window,
        ledger: Ledger,
        underlying: Underlying,
        frames_per_second: float,
        seed: str,
    ) -> None:
        super().__init__(window, ledger, _TAKER_DELAY_MS)
        self._walk, self._samples = underlying.walk, underlying.prices.samples
        self.up_won: bool | None = None
        self._dice = Random(f"{seed}/market")
        self._mood = Mood(Random(f"{seed}/mood"))
        self._quoter = Quoter(
            self.engine,
            f"makers-{window.number}",
            Random(f"{seed}/makers"),
            self._new_quote(window.opens_at_ms),
        )
        self._taker = Taker(self.engine, f"takers-{window.number}", Random(f"{seed}/takers"))
        for agent in (self._quoter, self._taker):
            ledger.open_account(agent.owner, is_unlimited=True)
            self.engine.forget_orders_of(agent.owner)
        self.oddities = Oddities(window, Random(f"{seed}/oddities"))
        self._announced_winner: bool | None = None
        self._now_ms = 0
        self._frames_per_second = frames_per_second
        self._credit = 0.0

    @property
    def status(self) -> MarketStatus:
        """What Gamma and the CLOB report of this market."""
        is_resolved = self.up_won is not None
        status = attrs.evolve(
            super().status,
            volume_shares=self.publisher.volume_units // UNITS_PER_SHARE,
            strike_e18=self.strike_e18,
            close_e18=self.close_e18,
            up_won=self.up_won,
            resolved_at_ms=self.oddities.decided_at_ms if is_resolved else None,
            resolution_source=(
                f"https://data.chain.link/streams/{self.window.asset}-usd-twap-60s-streams"
            ),
        )
        return self.oddities.shown(status, self.up_wins, self._now_ms)

    def begin(self, now_ms: int) -> list[Frame]:
        """Fill the book like that of a market listed long ago, and announce it."""
        self._think(now_ms)
        events = self._quoter.fill_ladder(now_ms)
        self.publisher.publish(events, now_ms)
        text = wire.new_market_text(self.window, question_text(self.window), now_ms)
        return [Frame(Channel.MARKET, (NEW_MARKETS_KEY,), text)]

    def step(self, now_ms: int) -> list[Frame]:
        """Advance by one step: the engine's own time, then the agents."""
        if self.up_won is not None:
            return []
        self._now_ms = now_ms
        if now_ms >= self.oddities.decided_at_ms:
            return self._resolve(now_ms)
        self.note_settlement(now_ms)
        frames = self.publisher.release(now_ms)
        frames += self.publisher.change_grid(self.oddities.grid_text(now_ms), now_ms)
        frames += self._announce_wrong_winner(now_ms)
        frames += self.publish(self.engine.advance(now_ms), now_ms)
        self._maybe_lag(now_ms)
        if now_ms % _THINK_MS == 0:
            self._mood.step(now_ms, _THINK_MS)
            self._think(now_ms)
            frames += self._fit_tick_size(now_ms)
            if self._dice.random() < _PICK_OFF_CHANCE and self._is_open(now_ms):
                frames += self.publish(self._taker.pick_off(self._fair_ticks, now_ms), now_ms)
        self._credit -= _count_public(frames)
        return frames + self._trade(now_ms)

    def publish(self, events: list[EngineEvent], now_ms: int) -> list[Frame]:
        """Pass the engine's events to watchers, makers and the public."""
        for event in events:
            if isinstance(event, Traded):
                for fill in event.maker_fills:
                    if fill.owner == self._quoter.owner:
                        self._quoter.on_fill(fill)
        return super().publish(events, now_ms)

    def note_settlement(self, now_ms: int) -> None:
        """Take the average as strike at the start and as close at the end."""
        if now_ms == self.window.opens_at_ms:
            self.strike_e18 = self._samples.average(now_ms // 1000)
        elif now_ms == self.window.closes_at_ms:
            self.close_e18 = self._samples.average(now_ms // 1000)

    def _trade(self, now_ms: int) -> list[Frame]:
        """Let agents act for as many frames as this step allows."""
        mean = self._frames_per_second * self._activity(now_ms) * STEP_MS / 1000
        self._credit += mean * self._dice.uniform(0.0, 2.0)
        frames: list[Frame] = []
        while self._credit >= 1:
            if self._dice.random() < _TRADES_PER_FRAME and self._is_open(now_ms):
                events = self._taker.trade_at_random(now_ms)
            else:
                events = self._quoter.act(now_ms)
            made = self.publish(events, now_ms)
            frames += made
            self._credit -= max(1, _count_public(made))
        return frames

    def _think(self, now_ms: int) -> None:
        """Value Up, and quote around that value."""
        walk = self._walk
        probability = self._chance_of_up(
            walk.price_e18, self._samples, walk.volatility_dollars, now_ms
        )
        least = _least_loser_chance(self._remaining_ms(now_ms))
        self._fair_ticks = PAYOUT_TICKS * (least + (1 - 2 * least) * probability)
        self._quoter.requote(self._new_quote(now_ms))

    def _new_quote(self, now_ms: int) -> Quote:
        grid_ticks = self.engine.rules.tick_size_ticks
        # At the ends of the scale a lean would only give money away.
        room = 4 * self._fair_ticks * (PAYOUT_TICKS - self._fair_ticks) / PAYOUT_TICKS**2
        return Quote.around(
            self._fair_ticks + self._mood.lean_ticks * room,
            grid_ticks,
            self._mood.edge_ticks(True, grid_ticks, now_ms),
            self._mood.edge_ticks(False, grid_ticks, now_ms),
        )

    def _fit_tick_size(self, now_ms: int) -> list[Frame]:
        current_ticks = self.engine.rules.tick_size_ticks
        wanted_ticks = current_ticks
        if self._edge_ticks < FINE_BEYOND_TICKS:
            wanted_ticks = FINE_TICKS
        elif self._edge_ticks > _COARSE_WITHIN_TICKS:
            wanted_ticks = COARSE_TICKS
        if wanted_ticks == current_ticks:
            return []
        events = self.engine.set_tick_size(wanted_ticks, now_ms)
        self._quoter.requote(self._new_quote(now_ms))
        return self.publish(events, now_ms)

    def _maybe_lag(self, now_ms: int) -> None:
        """Now and then let one token's frames lag, most often when the price has just jumped.

        After a jump it is the token that gained. For a moment its old ask and the other's new one
        may then be bought together for less than they pay.
        """
        if self.publisher.lagging is not None or not self._is_open(now_ms):
            return
        jump = self._walk.last_jump
        chance = _JUMP_LAG_CHANCE if jump else _QUIET_LAGS_PER_S * STEP_MS / 1000
        if self._dice.random() < chance:
            is_up = jump > 0 if jump else self._dice.random() < 0.5
            until_ms = now_ms + round(self._dice.uniform(300, 1_200))
            self.publisher.lag(Outcome.UP if is_up else Outcome.DOWN, until_ms)

    def _resolve(self, now_ms: int) -> list[Frame]:
        """Resolve by the averages: a close at the strike is Up."""
        self.up_won = self.up_wins
        if self.up_won is None:
            raise AssertionError(f"{self.window.slug} ends without a strike or a close")
        winner = Outcome.UP if self.up_won else Outcome.DOWN
        self._notify_watchers(self.engine.resolve(winner, now_ms), now_ms)
        frames = self.publisher.publish_whole(now_ms)
        return [*frames, self._winner_frame(self.up_won, now_ms)]

    def _announce_wrong_winner(self, now_ms: int) -> list[Frame]:
        """Announce, once, a winner that is overturned later."""
        if self.up_wins is None or self._announced_winner is not None:
            return []
        self._announced_winner = self.oddities.overturned_winner(self.up_wins, now_ms)
        if self._announced_winner is None:
            return []
        return [self._winner_frame(self._announced_winner, now_ms)]

    def _is_open(self, now_ms: int) -> bool:
        return self.window.opens_at_ms <= now_ms < self.window.closes_at_ms

    def _activity(self, now_ms: int) -> float:
        if not self.window.opens_at_ms - _WARM_UP_MS <= now_ms < self.window.closes_at_ms:
            return _STILL_ACTIVITY
        return _RUSH_ACTIVITY if self.window.closes_at_ms - now_ms < _RUSH_MS else _NORMAL_ACTIVITY


def _least_loser_chance(remaining_ms: int) -> float:
    """Least probability that makers give the losing side, so that its shares are never free."""
    return _MOST_LOSER_CHANCE * min(1.0, max(0.0, remaining_ms / _LOSER_CHANCE_FADES_MS))


def _count_public(frames: list[Frame]) -> int:
    """Count the frames that everyone gets: those of the custom feature are not rationed."""
    return sum(1 for frame in frames if not is_custom(frame))
