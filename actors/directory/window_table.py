"""The current windows, and the messages about them."""

from __future__ import annotations

from collections.abc import Iterable

from actors.core import Effects, Log, Send
from actors.directory.strike_search import EVENT, SITE, not_traded
from actors.directory.windows import CloseProven, WindowState, record
from actors.messages.directory import MarketClosing
from actors.model import Strike
from actors.roles import DESK, EXECUTOR, MARKET_FEED, MARKET_STATE, OBSERVER, POSITION, RECORDER
from actors.units import e18_text

OPENED_READERS = (MARKET_STATE, MARKET_FEED, EXECUTOR, POSITION, DESK, OBSERVER, RECORDER)
CLOSING_READERS = (DESK, EXECUTOR, MARKET_STATE, MARKET_FEED, OBSERVER)

POLL = "poll/"
"""Question for the result of a closed window."""

POLLS_BEFORE_TOLD = 120
"""After this many polls, about ten minutes, a slow result is logged."""


class WindowTable:
    """Every window that was opened and is not settled yet."""

    def __init__(self) -> None:
        self.windows: dict[str, WindowState] = {}
        """By market id."""
        self.closed: dict[str, int] = {}
        """Market ids of windows whose end was announced, and how often their result was polled."""

    def open_window(self) -> WindowState | None:
        """Return the window that is traded now."""
        for market_id, window in self.windows.items():
            if market_id not in self.closed:
                return window
        return None

    def searched(self, key: str) -> WindowState | None:
        """Return the open window whose strike a question is about."""
        market_id = key.removeprefix(EVENT).removeprefix(SITE)
        return None if market_id in self.closed else self.windows.get(market_id)

    def unresolved(self, key: str) -> WindowState | None:
        """Return the closed window whose result a question is about, while it has none."""
        window = self.windows.get(key.removeprefix(POLL))
        if window is None or window.resolution is not None:
            return None
        return window if window.market.market_id in self.closed else None

    def polled(self, window: WindowState) -> tuple[int, Effects]:
        """Count a poll without a result; log once that it takes long."""
        market = window.market
        count = self.closed[market.market_id] + 1
        self.closed[market.market_id] = count
        line = f"{market.slug} ended long ago and the venue has not resolved it; polling goes on"
        return count, [Log("warning", line)] if count == POLLS_BEFORE_TOLD else []

    def repeat_all(self) -> Effects:
        """Announce again what is open, what is closed, and what lacks a strike."""
        effects: Effects = []
        for market_id, window in self.windows.items():
            if market_id not in self.closed:
                effects += to_all(OPENED_READERS, window.opening)
                if window.strike is None and window.strike_missing:
                    effects.append(Send(OBSERVER, not_traded(window)))
            elif window.resolution is None:
                effects += to_all(CLOSING_READERS, MarketClosing(market_id))
        return effects

    def improve(self, window: WindowState, proven: WindowState) -> Effects:
        """Record a better strike or close, and send it to those who trade by it."""
        if proven == window or window.resolution is not None:
            return []
        market_id = window.market.market_id
        self.windows[market_id] = proven
        effects: Effects = []
        if proven.strike != window.strike:
            effects.append(record(proven.opening, proven))
            if market_id not in self.closed:
                effects += to_all(OPENED_READERS, proven.opening)
            effects += strike_line(window.strike, proven)
        if proven.close is not None and proven.close != window.close:
            event = CloseProven(market_id=market_id, close=proven.close)
            effects.append(record(event, proven))
        return effects


def to_all(roles: Iterable[str], message: object) -> Effects:
    """Send a message to several roles."""
    return [Send(role, message) for role in roles]


def strike_line(before: Strike | None, window: WindowState) -> Effects:
    """Log a window's strike and where it was read; if it changed, also the previous one."""
    strike, slug = window.strike, window.market.slug
    if strike is None:
        return []
    told = f"{slug}: strike {e18_text(strike.price_e18)}, {strike.source}"
    if before is None:
        return [Log("info", told)]
    level = "info" if before.price_e18 == strike.price_e18 else "warning"
    return [Log(level, f"{told}; it was {e18_text(before.price_e18)}, {before.source}")]
