"""Upcoming windows: their metadata is requested until it can be used, or until they end."""

from __future__ import annotations

from decimal import Decimal

import attrs

from actors.core import CancelTimer, Effects, Log, Record, Send, SetTimer
from actors.directory.gamma import FeeUncertain, decode_fee_rate, decode_market
from actors.directory.questions import Questions
from actors.messages.directory import WindowNotTraded
from actors.model import Market
from actors.roles import OBSERVER
from actors.settings import Settings

FIND, FEE = "find/", "fee/"
"""Questions about a window, which is identified by its start."""
OPEN_TIMER = "open"
"""Opens a window even if its metadata was not read again."""
OPENING_LIMIT_MS = 3_000
"""Longest delay of a window's opening while its metadata is read again."""
REAL_PATIENCE_MS = 1_000
"""The same in real time, for runs that are sped up."""


@attrs.frozen
class _Found:
    market: Market
    is_current: bool
    """It was read after the window's start, or nothing newer can be obtained."""
    until_ms: int | None = None
    """When to stop waiting for an answer; None while it is not being read again."""


class Listings:
    """Metadata of windows that are not open yet."""

    def __init__(self, settings: Settings, questions: Questions) -> None:
        self._settings = settings
        self._questions = questions
        self._sought: dict[int, str] = {}
        """Starts of windows whose metadata is requested, with the reason why it cannot be used so
        far."""
        self._found: dict[int, _Found] = {}
        self._fee_tokens: dict[int, str] = {}
        """Tokens for whose fee the exchange is asked, by the start of their window."""
        self._fees: dict[int, Decimal] = {}
        self._opening_limit_ms = max(OPENING_LIMIT_MS, int(REAL_PATIENCE_MS * settings.speed))

    def slug(self, start_ms: int) -> str:
        """Return the venue's slug of a window."""
        return self._settings.series.slug(start_ms)

    def find(self, start_ms: int, now_ms: int) -> Effects:
        """Start to request a window's metadata, unless that is done or in progress."""
        if start_ms in self._found or start_ms in self._sought:
            return []
        self._sought[start_ms] = ""
        return self._ask(f"{FIND}{start_ms}", now_ms)

    def take_out(self, start_ms: int, now_ms: int) -> tuple[Market | None, Effects]:
        """Return the metadata of a window that has begun, or make sure that it is read.

        Metadata that was read before the start is read once more: the market may have been stopped,
        closed or given another price grid since (F46). Only such an answer prevents the opening; if
        the request fails or takes too long, the window opens with the known metadata.
        """
        found = self._found.get(start_ms)
        if found is None:
            return None, self.find(start_ms, now_ms)
        limit_ms = self._opening_limit_ms
        if not found.is_current and found.until_ms is None:
            self._sought[start_ms] = ""
            self._found[start_ms] = attrs.evolve(found, until_ms=now_ms + limit_ms)
            asked = self._ask(f"{FIND}{start_ms}", now_ms)
            return None, [SetTimer(OPEN_TIMER, limit_ms), *asked]
        left_ms = 0 if found.until_ms is None else found.until_ms - now_ms
        if (
            not found.is_current and 0 < left_ms <= limit_ms
        ):  # a longer time means that the clock was set back
            return None, []
        self._forget(start_ms)
        said = [] if found.is_current else [self._opened_unread(start_ms, "no answer in time")]
        return found.market, [*said, CancelTimer(OPEN_TIMER), CancelTimer(f"{FIND}{start_ms}")]

    def url(self, key: str) -> str | None:
        """Return the address of a question about a window; None if it no longer matters."""
        venue = self._settings.venue
        if key.startswith(FIND):
            start_ms = int(key.removeprefix(FIND))
            is_sought = start_ms in self._sought
            return f"{venue.gamma_url}/markets/slug/{self.slug(start_ms)}" if is_sought else None
        token = self._fee_tokens.get(int(key.removeprefix(FEE)))
        return f"{venue.clob_url}/fee-rate?token_id={token}" if token is not None else None

    def take(self, key: str, body: bytes, now_ms: int) -> Effects:
        """Handle an answer.

        Raises:
            MarketRefused: the window cannot be traded according to the answer.
        """
        if key.startswith(FEE):
            return self._take_fee(key, body, now_ms)
        start_ms = int(key.removeprefix(FIND))
        if start_ms not in self._sought:
            return []
        ends_ms = start_ms + self._settings.series.window_ms
        fee = self._fees.get(start_ms)
        self._found.pop(start_ms, None)
        try:
            market = decode_market(
                body,
                self.slug(start_ms),
                start_ms,
                ends_ms,
                fee,
                must_average=self._settings.series.is_hourly,
            )
        except FeeUncertain as doubt:
            if fee is not None:
                self._fees.pop(start_ms)
                raise
            self._fee_tokens[start_ms] = doubt.token
            self._sought[start_ms] = str(doubt)
            return [CancelTimer(key), *self._ask(f"{FEE}{start_ms}", now_ms)]
        del self._sought[start_ms]
        self._found[start_ms] = _Found(market, is_current=now_ms >= start_ms)
        return [CancelTimer(key), *self._questions.answered(key)]

    def _take_fee(self, key: str, body: bytes, now_ms: int) -> Effects:
        start_ms = int(key.removeprefix(FEE))
        if start_ms not in self._fee_tokens:
            return []
        self._fees[start_ms] = decode_fee_rate(body)
        del self._fee_tokens[start_ms]
        answered = [CancelTimer(key), *self._questions.answered(key)]
        return [*answered, *self._ask(f"{FIND}{start_ms}", now_ms)]

    def refuse(self, key: str, reason: str) -> Effects:
        """Note why a window cannot be traded so far; one that was found already is opened."""
        start_ms = int(key.removeprefix(FIND).removeprefix(FEE))
        found = self._found.get(start_ms)
        if found is not None:
            self._found[start_ms] = attrs.evolve(found, is_current=True)
            self._sought.pop(start_ms, None)
            return [SetTimer(OPEN_TIMER, 0), self._opened_unread(start_ms, reason)]
        if key.startswith(FEE):
            reason = f"{self.slug(start_ms)}: its fee is unknown: {reason}"
        if start_ms in self._sought:
            self._sought[start_ms] = reason
        return []

    def tell_refused(self, start_ms: int) -> Effects:
        """Report why the window that began then is not traded, if there is a reason."""
        if not self._sought.get(start_ms):
            return []
        return [Send(OBSERVER, self._not_traded(start_ms))]

    def give_up_before(self, start_ms: int) -> Effects:
        """Forget ended windows that were never opened, and record that, once for each."""
        effects: Effects = []
        for missed_ms in sorted(at for at in {*self._sought, *self._found} if at < start_ms):
            told = self._not_traded(missed_ms)
            self._forget(missed_ms)
            line = f"{told.slug} ended and was never traded: {told.reason}"
            effects += [Record(told), Log("warning", line), Send(OBSERVER, told)]
        return effects

    def _not_traded(self, start_ms: int) -> WindowNotTraded:
        return WindowNotTraded(
            slug=self.slug(start_ms),
            opens_at_ms=start_ms,
            closes_at_ms=start_ms + self._settings.series.window_ms,
            reason=self._sought.get(start_ms) or "its metadata was not read in time",
        )

    def _opened_unread(self, start_ms: int, reason: str) -> Log:
        slug = self.slug(start_ms)
        return Log(
            "info",
            f"{slug} is opened with metadata from before its start, not read again: {reason}",
        )

    def _forget(self, start_ms: int) -> None:
        self._sought.pop(start_ms, None)
        self._found.pop(start_ms, None)
        self._fee_tokens.pop(start_ms, None)
        self._fees.pop(start_ms, None)
        self._questions.forget(f"{FIND}{start_ms}")
        self._questions.forget(f"{FEE}{start_ms}")

    def _ask(self, key: str, now_ms: int) -> Effects:
        url = self.url(key)
        return self._questions.ask(key, url, now_ms) if url is not None else []
