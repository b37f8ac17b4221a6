"""Windows that are to be traded: their metadata is asked for until it can be used, or they end."""

from __future__ import annotations

from decimal import Decimal

from actors.core import CancelTimer, Effects, Log, Record, Send
from actors.directory.gamma import FeeUncertain, decode_fee_rate, decode_market
from actors.directory.messages import Market, WindowNotTraded
from actors.directory.questions import Questions
from actors.directory.slugs import window_slug
from actors.roles import OBSERVER
from actors.settings import Settings

FIND, FEE = "find/", "fee/"
"""Questions about a window, which is named by its start."""


class Listings:
    """Metadata of windows that are not open yet."""

    def __init__(self, settings: Settings, questions: Questions) -> None:
        self._settings = settings
        self._questions = questions
        self._sought: dict[int, str] = {}
        """Starts of windows whose metadata is being asked for, and why it cannot be used so far."""
        self._found: dict[int, Market] = {}
        self._fee_tokens: dict[int, str] = {}
        """Tokens whose fee the exchange is asked for, by the start of their window."""
        self._fees: dict[int, Decimal] = {}

    def slug(self, start_ms: int) -> str:
        """The venue's name of a window."""
        return window_slug(self._settings.series, start_ms)

    def find(self, start_ms: int, now_ms: int) -> Effects:
        """Begin to ask for a window's metadata, unless that is done or under way."""
        if start_ms in self._found or start_ms in self._sought:
            return []
        self._sought[start_ms] = ""
        return self._ask(f"{FIND}{start_ms}", now_ms)

    def take_out(self, start_ms: int) -> Market | None:
        """Hand over a window's metadata to be opened, if it was found."""
        return self._found.pop(start_ms, None)

    def url(self, key: str) -> str | None:
        """Address of a question about a window; None if it no longer matters."""
        venue = self._settings.venue
        if key.startswith(FIND):
            start_ms = int(key.removeprefix(FIND))
            is_sought = start_ms in self._sought
            return f"{venue.gamma_url}/markets/slug/{self.slug(start_ms)}" if is_sought else None
        token = self._fee_tokens.get(int(key.removeprefix(FEE)))
        return f"{venue.clob_url}/fee-rate?token_id={token}" if token is not None else None

    def take(self, key: str, body: bytes, now_ms: int) -> Effects:
        """Take an answer in.

        Raises:
            MarketRefused: the window cannot be traded as the answer has it.
        """
        if key.startswith(FEE):
            return self._take_fee(key, body, now_ms)
        start_ms = int(key.removeprefix(FIND))
        if start_ms not in self._sought:
            return []
        ends_ms = start_ms + self._settings.series.window_ms
        fee = self._fees.get(start_ms)
        try:
            market = decode_market(body, self.slug(start_ms), start_ms, ends_ms, fee)
        except FeeUncertain as doubt:
            if fee is not None:
                self._fees.pop(start_ms)
                raise
            self._fee_tokens[start_ms] = doubt.token
            self._sought[start_ms] = str(doubt)
            return [CancelTimer(key), *self._ask(f"{FEE}{start_ms}", now_ms)]
        self._forget(start_ms)
        self._found[start_ms] = market
        return [CancelTimer(key), *self._questions.answered(key)]

    def _take_fee(self, key: str, body: bytes, now_ms: int) -> Effects:
        start_ms = int(key.removeprefix(FEE))
        if start_ms not in self._fee_tokens:
            return []
        self._fees[start_ms] = decode_fee_rate(body)
        del self._fee_tokens[start_ms]
        answered = [CancelTimer(key), *self._questions.answered(key)]
        return [*answered, *self._ask(f"{FIND}{start_ms}", now_ms)]

    def refuse(self, key: str, reason: str) -> None:
        """Note why a window cannot be traded so far."""
        start_ms = int(key.removeprefix(FIND).removeprefix(FEE))
        if key.startswith(FEE):
            reason = f"{self.slug(start_ms)}: its fee is not known: {reason}"
        if start_ms in self._sought:
            self._sought[start_ms] = reason

    def tell_refused(self, start_ms: int) -> Effects:
        """Say why the window that began then is not traded, if something is wrong with it."""
        if not self._sought.get(start_ms):
            return []
        return [Send(OBSERVER, self._not_traded(start_ms))]

    def give_up_before(self, start_ms: int) -> Effects:
        """Forget windows that are over and were never opened, and record that, once for each."""
        effects: Effects = []
        for missed_ms in sorted(at for at in (*self._sought, *self._found) if at < start_ms):
            told = self._not_traded(missed_ms)
            self._forget(missed_ms)
            line = f"{told.slug} is over and was never traded: {told.reason}"
            effects += [Record(told), Log("warning", line), Send(OBSERVER, told)]
        return effects

    def _not_traded(self, start_ms: int) -> WindowNotTraded:
        return WindowNotTraded(
            slug=self.slug(start_ms),
            opens_at_ms=start_ms,
            closes_at_ms=start_ms + self._settings.series.window_ms,
            reason=self._sought.get(start_ms) or "its metadata was not read in time",
        )

    def _forget(self, start_ms: int) -> None:
        self._sought.pop(start_ms, None)
        self._found.pop(start_ms, None)
        self._fee_tokens.pop(start_ms, None)
        self._fees.pop(start_ms, None)

    def _ask(self, key: str, now_ms: int) -> Effects:
        url = self.url(key)
        return self._questions.ask(key, url, now_ms) if url is not None else []
