"""Reviews of settled windows: the venue may still change a result.

Each settled window is reviewed several times within three hours (docs/decisions/results.md). A
contradiction to the result by which it was settled is recorded and logged as an error, and the
window is settled again. Reviews that fell due while the system was down count as one. A review ends
without a result after ``REFUSALS_MAX`` unreadable answers.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from actors.core import CancelTimer, Command, Effects, Log, SetTimer
from actors.directory.gamma import Resolution, decode_resolution
from actors.directory.price_to_beat import decode_event, differs
from actors.directory.questions import Questions
from actors.directory.windows import WindowState, record
from actors.messages.directory import HttpGet
from actors.model import Side, side_name
from actors.settings import Settings
from actors.units import e18_text

REVIEW, COMPARE = "review/", "compare/"
"""Questions about a settled window: its result, and the venue's prices at its start and end."""

REVIEWS_AFTER_MS = (60_000, 600_000, 3_600_000, 10_800_000)
"""Times after a window's settlement at which its result is reviewed."""

LATE_GAP_MS = 1_000
"""Overdue reviews, as after a night without a run, are made one after the other at this
interval."""

REFUSALS_MAX = 12
"""Unreadable answers after which a review ends without a result: about half an hour."""

CORRECTIONS_MAX = 5
"""A window whose result changes more often than this is left for a person to check."""


@attrs.frozen(kw_only=True)
class ResultReviewed:
    """Recorded: a settled window's result was reviewed."""

    market_id: str
    number: int
    """1 for the first review."""
    is_confirmed: bool
    """False: the venue no longer says that the market is resolved, or no longer shows it."""


@attrs.frozen(kw_only=True)
class ResultContradicted:
    """Recorded: the venue's result now differs from the one by which the window was settled."""

    market_id: str
    before: Side | None
    """None if it was void."""
    after: Side | None
    evidence: str


def evidence_of(resolution: Resolution, window: WindowState) -> str:
    """Describe where a result was read."""
    prices = "/".join(resolution.outcome_prices)
    return f"Gamma's metadata of {window.market.slug}: closed with outcomePrices {prices}"


class Reviews:
    """Settled windows whose results may still be contradicted."""

    def __init__(self, settings: Settings, questions: Questions) -> None:
        self._settings = settings
        self._questions = questions
        self._windows: dict[str, WindowState] = {}
        self._refusals: dict[str, int] = {}
        """Unreadable answers to the current review, by market id."""
        self._compared: set[str] = set()
        """Market ids whose prices were compared with the venue's, or need not be."""
        self._late_at_ms = 0
        """When the last of the overdue reviews is made."""

    def begin(self, window: WindowState, now_ms: int) -> Effects:
        """Schedule the next review of a settled window."""
        due_ms = (window.settled_at_ms or 0) + REVIEWS_AFTER_MS[window.reviews_count]
        if due_ms < now_ms:
            due_ms = self._late_at_ms = max(now_ms, self._late_at_ms + LATE_GAP_MS)
        self._windows[window.market.market_id] = window
        return [SetTimer(REVIEW + window.market.market_id, due_ms - now_ms)]

    def url(self, key: str) -> str | None:
        """Return the address of a question about a settled window; None if it no longer matters."""
        window = self._windows.get(key.removeprefix(REVIEW))
        if window is None:
            return None
        return f"{self._settings.venue.gamma_url}/markets/slug/{window.market.slug}"

    def take(self, key: str, body: bytes, now_ms: int) -> tuple[WindowState | None, Effects]:
        """Compare an answer with the result; return the window if it must be settled again.

        Raises:
            MarketRefused: the answer cannot be read.
        """
        window = self._windows.get(key.removeprefix(REVIEW))
        if window is None or window.resolution is None:
            return None, []
        found = decode_resolution(body, window.market)
        before = window.resolution
        effects = [CancelTimer(key), *self._questions.answered(key)]
        if found is not None and found.winner is not before.winner:
            return self._contradict(window, found, effects)
        effects += self._compare(window, now_ms)
        effects += self._reviewed(window, now_ms, is_confirmed=found is not None)
        if found is None:
            slug = window.market.slug
            line = f"{slug} is settled, but the venue no longer says that it is resolved"
            effects.append(Log("warning", line))
        return None, effects

    def take_absence(self, key: str, now_ms: int) -> Effects:
        """Keep a result that the venue no longer shows."""
        window = self._windows.get(key.removeprefix(REVIEW))
        if window is None:
            return []
        slug = window.market.slug
        return [
            CancelTimer(key),
            *self._questions.answered(key),
            *self._reviewed(window, now_ms, is_confirmed=False),
            Log("info", f"{slug} is settled, but the venue no longer shows it: its result is kept"),
        ]

    def refuse(self, key: str, complaint: str, now_ms: int) -> Effects | None:
        """Count an answer without a readable result, and end the review after too many.

        Args:
            key: the question's key.
            complaint: what is wrong with the answer, in one sentence.
            now_ms: venue time.

        Returns:
            The effects of ending the review; None if the question is to be repeated.
        """
        market_id = key.removeprefix(REVIEW)
        window = self._windows.get(market_id)
        if window is None:
            return []
        count = self._refusals.get(market_id, 0) + 1
        self._refusals[market_id] = count
        if count < REFUSALS_MAX:
            return None
        self._questions.reset_delays(key)
        effects = [CancelTimer(key), *self._reviewed(window, now_ms, is_confirmed=False)]
        if market_id not in self._windows:
            line = f"{complaint}; it is settled, and its result is kept"
            effects.append(Log("warning", line))
        return effects

    def _reviewed(self, window: WindowState, now_ms: int, *, is_confirmed: bool) -> Effects:
        market_id = window.market.market_id
        age_ms = now_ms - (window.settled_at_ms or 0)
        due_count = sum(after_ms <= age_ms for after_ms in REVIEWS_AFTER_MS)
        number = max(window.reviews_count + 1, due_count)
        reviewed = attrs.evolve(window, reviews_count=number)
        is_open = number < len(REVIEWS_AFTER_MS)
        self._refusals.pop(market_id, None)
        event = ResultReviewed(market_id=market_id, number=number, is_confirmed=is_confirmed)
        effects: Effects = [record(event, reviewed, is_open=is_open)]
        if is_open:
            return [*effects, *self.begin(reviewed, now_ms)]
        self._forget(market_id)
        return effects

    def _contradict(
        self, window: WindowState, found: Resolution, effects: Effects
    ) -> tuple[WindowState | None, Effects]:
        market_id, before = window.market.market_id, window.resolution
        contradicted = window.resolved(found.winner, evidence_of(found, window))
        if before is None or before.revision >= CORRECTIONS_MAX:
            line = (
                f"{window.market.slug}: the venue has changed its result more than "
                f"{CORRECTIONS_MAX} times: the last settlement is kept, check it yourself"
            )
            closed = ResultReviewed(market_id=market_id, number=0, is_confirmed=False)
            self._forget(market_id)
            return None, [*effects, record(closed, window, is_open=False), Log("error", line)]
        event = ResultContradicted(
            market_id=market_id,
            before=before.winner,
            after=found.winner,
            evidence=evidence_of(found, window),
        )
        line = (
            f"{window.market.slug} was settled as {side_name(before.winner)}, and the venue now "
            f"says {side_name(found.winner)} ({event.evidence}): it is settled again"
        )
        self._forget(market_id)
        return contradicted, [*effects, record(event, contradicted), Log("error", line)]

    def _forget(self, market_id: str) -> None:
        self._windows.pop(market_id, None)
        self._refusals.pop(market_id, None)
        self._questions.forget(REVIEW + market_id)
        self._compared.discard(market_id)

    # The venue's own prices

    def _compare(self, window: WindowState, now_ms: int) -> Effects:
        """Ask for the venue's prices, if there are prices of ours to compare."""
        market = window.market
        is_needed = window.strike is not None or window.close is not None
        if market.market_id in self._compared or not is_needed:
            return []
        # Asked at each review until answered, and never in between, since nothing depends on it.
        url = f"{self._settings.venue.gamma_url}/events/slug/{market.slug}"
        return [Command(HttpGet(request_id=f"{COMPARE}{market.market_id}@{now_ms}", url=url))]

    def take_prices(self, key: str, body: bytes) -> Effects:
        """Log where the venue's prices differ from ours.

        Raises:
            MarketRefused: the answer cannot be read.
        """
        window = self._windows.get(key.removeprefix(COMPARE))
        if window is None:
            return []
        told = decode_event(body, window.market.slug)
        if told.strike is None and told.close is None:
            return []
        self._compared.add(window.market.market_id)
        pairs = (("strike", window.strike, told.strike), ("close", window.close, told.close))
        return [
            _difference(window.market.slug, name, ours.price_e18, ours.source, price)
            for name, ours, price in pairs
            if ours is not None and price is not None and differs(ours.price_e18, price)
        ]


def _difference(slug: str, name: str, ours_e18: int, source: str, told: Decimal) -> Log:
    return Log(
        "error",
        f"{slug}: our {name} was {e18_text(ours_e18)} ({source}), the venue's is {told}: "
        "check the source",
    )
