"""The search for a window's strike, until a tick has proven it.

The tick of exactly the boundary is requested again while the price source still has it. At the same
time, and as long as the window is open, the venue's metadata is polled, and its website if the
settings allow it. A strike from a more trusted origin replaces one that was found before.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.core import CancelTimer, Effects, Log, Send, SetTimer
from actors.directory.price_to_beat import decode_event, decode_website, strike_of, website_query
from actors.directory.questions import Questions
from actors.directory.windows import WindowState, record
from actors.messages.directory import WindowNotTraded
from actors.messages.feeds import TwapTickWanted
from actors.model import Strike, StrikeOrigin
from actors.roles import OBSERVER, TWAP_FEED
from actors.settings import Settings

TICK, EVENT, SITE = "tick/", "event/", "site/"
"""Timers and questions: a boundary's tick, and a window's price at Gamma and on the website."""

TICK_AFTER_MS = 5_000
TICK_AGAIN_MS = 15_000
TICK_LIMIT_MS = 115_000
"""The source sends the last two minutes to a new subscription, and no more."""

FALLBACK_AFTER_MS = 20_000
SITE_AFTER_MS = 45_000
"""The website's first values were seen to change for half a minute."""
FALLBACK_AGAIN_MS = 20_000
FALLBACK_SLOWEST_MS = 60_000
TOLD_AFTER_MS = 120_000
"""When the tick can no longer be obtained, its absence is reported."""


class StrikeSearch:
    """The requests for each window, and what they have shown."""

    def __init__(self, settings: Settings, questions: Questions) -> None:
        self._settings = settings
        self._questions = questions
        self._asked_counts: dict[int, int] = {}
        """How often the tick of a boundary was requested."""

    def begin(self, window: WindowState, now_ms: int) -> Effects:
        """Schedule the search for an open window's strike; a restart starts it again."""
        market = window.market
        since_ms = now_ms - market.opens_at_ms
        asked = SetTimer(EVENT + market.market_id, max(0, FALLBACK_AFTER_MS - since_ms))
        effects: Effects = [asked]
        if self._settings.venue.website_url is not None:
            due_ms = max(0, SITE_AFTER_MS - since_ms)
            effects.append(SetTimer(SITE + market.market_id, due_ms))
        return [*effects, *self.await_tick(market.opens_at_ms, now_ms)]

    def await_tick(self, boundary_ms: int, now_ms: int) -> Effects:
        """Schedule a request for a boundary's tick, in case it does not arrive by itself."""
        if now_ms > boundary_ms + TICK_LIMIT_MS:
            return []
        return [SetTimer(f"{TICK}{boundary_ms}", max(0, boundary_ms + TICK_AFTER_MS - now_ms))]

    def ask_for_tick(self, key: str, windows: Iterable[WindowState], now_ms: int) -> Effects:
        """Ask the feed for a boundary's tick, if one of the windows lacks it."""
        boundary_ms = int(key.removeprefix(TICK))
        is_late = now_ms > boundary_ms + TICK_LIMIT_MS
        if is_late or not any(_lacks(window, boundary_ms) for window in windows):
            return []
        self._asked_counts = {
            at: count for at, count in self._asked_counts.items() if at + TICK_LIMIT_MS > now_ms
        } | {boundary_ms: self._asked_counts.get(boundary_ms, 0) + 1}
        return [
            Send(TWAP_FEED, TwapTickWanted(boundary_ms, self._settings.series.asset)),
            SetTimer(key, TICK_AGAIN_MS),
        ]

    def url(self, key: str, window: WindowState) -> str | None:
        """Return the address of a question about an open window; None if it no longer matters."""
        venue, market, strike = self._settings.venue, window.market, window.strike
        if key.startswith(EVENT):
            is_proven = strike is not None and strike.origin is StrikeOrigin.TICK
            return None if is_proven else f"{venue.gamma_url}/events/slug/{market.slug}"
        is_needed = strike is None or strike.origin is StrikeOrigin.WEBSITE
        if venue.website_url is None or not is_needed or not market.twap_window_s:
            return None
        query = website_query(self._settings.series, market)
        return None if query is None else venue.website_url + query

    def take(
        self, key: str, body: bytes, window: WindowState, now_ms: int
    ) -> tuple[Strike | None, Effects]:
        """Read an answer, and schedule another request: a price may still appear, or be corrected.

        Raises:
            MarketRefused: the answer cannot be read.
        """
        market = window.market
        if key.startswith(EVENT):
            price, origin = decode_event(body, market.slug).strike, StrikeOrigin.GAMMA
        else:
            price, origin = decode_website(body, market.slug).strike, StrikeOrigin.WEBSITE
        is_young = now_ms < market.opens_at_ms + TOLD_AFTER_MS
        again = SetTimer(key, FALLBACK_AGAIN_MS if is_young else FALLBACK_SLOWEST_MS)
        strike = strike_of(price, origin, market) if price is not None else None
        return strike, [again, *self._questions.answered(key)]

    def end(self, market_id: str) -> Effects:
        """Stop asking: the window is closed."""
        keys = (EVENT + market_id, SITE + market_id)
        for key in keys:
            self._questions.forget(key)
        return [CancelTimer(key) for key in keys]

    def tell_missing(self, window: WindowState, now_ms: int) -> tuple[WindowState, Effects]:
        """Record and log that a window has no strike, once it is late enough."""
        market = window.market
        is_early = now_ms < market.opens_at_ms + TOLD_AFTER_MS
        if window.strike is not None or window.strike_missing or is_early:
            return window, []
        known = attrs.evolve(window, strike_missing=self._missing_sentence(window))
        told = not_traded(known)
        line = (
            f"{market.slug}: {told.reason}: no entry and no averaging down in it "
            "unless the venue still publishes one"
        )
        return known, [record(told, known), Log("warning", line), Send(OBSERVER, told)]

    def _missing_sentence(self, window: WindowState) -> str:
        market = window.market
        if not market.twap_window_s:
            tick = "its metadata names no average"
        else:
            count = self._asked_counts.get(market.opens_at_ms, 0)
            asked = f"requested {count} times" if count else "this run came too late to request it"
            tick = (
                f"no {market.twap_window_s}-second average of exactly its start arrived ({asked})"
            )
        places = "metadata has"
        if self._settings.venue.website_url is not None:
            places = "metadata and website have"
        return f"no strike: {tick}, and the venue's {places} none"


def not_traded(window: WindowState) -> WindowNotTraded:
    """Return the message that says why a window without a strike is not traded."""
    market = window.market
    return WindowNotTraded(
        slug=market.slug,
        opens_at_ms=market.opens_at_ms,
        closes_at_ms=market.closes_at_ms,
        reason=window.strike_missing,
        market_id=market.market_id,
    )


def _lacks(window: WindowState, boundary_ms: int) -> bool:
    market, strike = window.market, window.strike
    if not market.twap_window_s or window.resolution is not None:
        return False
    if boundary_ms == market.opens_at_ms:
        return strike is None or strike.origin is not StrikeOrigin.TICK
    return boundary_ms == market.closes_at_ms and window.close is None
