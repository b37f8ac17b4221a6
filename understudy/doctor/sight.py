"""Facts about the venue that several checks need; each is requested once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import attrs

from actors.directory.gamma import MarketRefused, decode_market
from actors.directory.venue_time import TimeUnreadable, VenueTimeReading, read_venue_time
from actors.model import Market
from actors.series import window_start_ms
from understudy.doctor.network import Unreachable, fetch
from understudy.doctor.subject import Subject, host_of

T = TypeVar("T")


class NoSuchWindow(Exception):
    """The venue does not list a window that its calendar has; one sentence."""


@attrs.frozen
class FoundMarket:
    """A window's market, and when it was read."""

    market: Market
    now_ms: int
    """Venue time."""


class VenueSight:
    """Requests the venue's time and the current window on construction."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._reading = _begun(self._read_time())
        self._current = _begun(self.market_ahead(0))

    async def reading(self) -> VenueTimeReading:
        """How far the venue's clock is ahead of the host's.

        Raises:
            Unreachable: the venue does not tell the time.
        """
        return await asyncio.shield(self._reading)

    async def now_ms(self) -> int:
        """Venue time; the host's if the venue does not tell it."""
        try:
            skew_ms = (await self.reading()).skew_ms
        except Unreachable:
            skew_ms = 0
        return self._subject.wall_ms() + skew_ms

    async def current(self) -> FoundMarket:
        """The market of the current window.

        Raises:
            Unreachable: Gamma does not answer.
            NoSuchWindow: it does not list the window.
            MarketRefused: its metadata cannot be used.
        """
        return await asyncio.shield(self._current)

    async def market(self) -> Market | None:
        """The same market; None if it cannot be found, which has a check of its own."""
        try:
            return (await self.current()).market
        except (Unreachable, NoSuchWindow, MarketRefused):
            return None

    async def market_ahead(self, windows: int) -> FoundMarket:
        """The market of the current window, or of a later one.

        Raises:
            Unreachable: Gamma does not answer.
            NoSuchWindow: it does not list the window.
            MarketRefused: its metadata cannot be used.
        """
        series, now_ms = self._subject.settings.series, await self.now_ms()
        opens_at_ms = window_start_ms(now_ms, series.window_ms) + windows * series.window_ms
        slug = series.slug(opens_at_ms)
        base_url = self._subject.settings.venue.gamma_url.rstrip("/")
        answer = await fetch(f"{base_url}/markets/slug/{slug}")
        if answer.status == 404:
            raise NoSuchWindow(f"{host_of(base_url)} lists no window {slug}")
        if answer.status != 200:
            raise Unreachable(f"{host_of(base_url)} answered {answer.status} for {slug}")
        closes_at_ms = opens_at_ms + series.window_ms
        times = (opens_at_ms, closes_at_ms)
        market = decode_market(answer.body, slug, *times, must_average=series.is_hourly)
        return FoundMarket(market, now_ms)

    async def _read_time(self) -> VenueTimeReading:
        base_url = self._subject.settings.venue.clob_url.rstrip("/")
        sent_ms, sent_ns = self._subject.wall_ms(), time.monotonic_ns()
        answer = await fetch(f"{base_url}/time")
        took_ms = (time.monotonic_ns() - sent_ns) // 1_000_000
        try:
            return read_venue_time(answer.body, sent_ms, self._subject.wall_ms(), took_ms)
        except TimeUnreadable as problem:
            raise Unreachable(f"{host_of(base_url)} does not tell the time: {problem}") from None


def _begun(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start a task whose failure is left to those who await it, if anyone does."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda done: None if done.cancelled() else done.exception())
    return task
