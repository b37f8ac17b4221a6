"""The directory: which window is traded, its strike, and its result.

Windows follow each other on a fixed grid, so their slugs are computed and never searched for. The
metadata of the next window is read before it begins. At the boundary one window closes, and the
next one opens as soon as its metadata was read again. A closed window is polled until the venue has
resolved it, and its result is repeated until position has settled it.

No window is opened before the venue's time is known, since a wrong clock would open the wrong
window. Windows that were recorded as open are continued in the meantime.
"""

from __future__ import annotations

import attrs

from actors.core import CancelTimer, Core, Dice, Effects, Log, Send, SetTimer, handles
from actors.directory.gamma import MarketRefused, Resolution, decode_resolution
from actors.directory.listings import FEE, FIND, OPEN_TIMER, Listings
from actors.directory.questions import Questions, question_of
from actors.directory.reviews import COMPARE, REVIEW, Reviews, evidence_of
from actors.directory.strike_search import (
    EVENT,
    FALLBACK_SLOWEST_MS,
    SITE,
    TICK,
    StrikeSearch,
)
from actors.directory.venue_time import TimeUnreadable, read_venue_time, skew_words
from actors.directory.window_table import (
    CLOSING_READERS,
    OPENED_READERS,
    POLL,
    WindowTable,
    strike_line,
    to_all,
)
from actors.directory.windows import (
    BoundaryTicks,
    WindowFinished,
    WindowState,
    better,
    is_orphan,
    record,
    windows_of,
)
from actors.messages.directory import (
    HttpAnswered,
    HttpFailed,
    MarketClosing,
    VenueSkew,
    VenueUnreachable,
)
from actors.messages.feeds import ResolvedEvent, TwapTick
from actors.messages.lifecycle import PeerRestarted, Started, TimerFired, VenueTimeMeasured
from actors.messages.position import WindowSettled
from actors.model import Market
from actors.roles import OBSERVER, POSITION, RECORDER, SUPERVISOR
from actors.series import window_start_ms
from actors.settings import Settings

PREFETCH_MS = 30_000
"""The next window's metadata is read this long before it begins."""

TIME_CHECK_MS = 60_000

REPEAT_MS = 5_000
"""How often open and closed windows are announced again, since any message may be lost."""

POLL_MS = 2_000
POLLS_BEFORE_SLOWER = 30
SLOWEST_POLL_MS = 600_000
SLOWEST_UNREAD_POLL_MS = 60_000
"""A result decides about money, so it is polled this often even if the answers are unreadable."""
SLOWEST_FIND_MS = 5_000
SLOWEST_TIME_CHECK_MS = 30_000
SETTLE_REPEAT_MS = 2_000
SLOWEST_REVIEW_MS = 600_000

_ABSENT = (404, 410)
"""The venue's answers for something that it does not show."""

_TIME, _ROLL, _REPEAT = "time", "roll", "repeat"
_SETTLE = "settle/"
_SLOWEST_MS = {
    FIND: SLOWEST_FIND_MS,
    FEE: SLOWEST_FIND_MS,
    POLL: SLOWEST_UNREAD_POLL_MS,
    EVENT: FALLBACK_SLOWEST_MS,
    SITE: FALLBACK_SLOWEST_MS,
    REVIEW: SLOWEST_REVIEW_MS,
}


class DirectoryCore(Core):
    """Finds, opens, proves, closes and resolves windows, one after the other without a gap."""

    KEEPS_EACH_SERIES = True

    RECOVERS = ("window",)

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._window_ms = settings.series.window_ms
        self._questions = Questions(dice)
        self._listings = Listings(settings, self._questions)
        self._search = StrikeSearch(settings, self._questions)
        self._reviews = Reviews(settings, self._questions)
        self._ticks = BoundaryTicks(self._window_ms)
        self._is_time_known = False
        self._table = WindowTable()
        self._newest_start_ms = 0
        """Start of the newest window ever opened; no earlier one is opened afterwards."""

    @property
    def is_serving(self) -> bool:
        """Whether a window is open for trading."""
        return self._table.open_window() is not None

    @property
    def _is_ending(self) -> bool:
        """Whether no further window may be opened."""
        return self.settings.plan(self.settings.series.name).is_ending

    # Start and time

    @handles(Started)
    def start(self, message: Started, now_ms: int) -> Effects:
        """Continue the windows that were open or unsettled, and ask the venue for its time."""
        effects: Effects = []
        for window in windows_of(self.settings, message.saved):
            if not is_orphan(self.settings, window.market):
                self._newest_start_ms = window.market.opens_at_ms
            effects += self._resume(window, now_ms)
        return [*effects, *self._ask(_TIME, now_ms), *self._roll(now_ms), _repeat_timer()]

    def _resume(self, window: WindowState, now_ms: int) -> Effects:
        market_id = window.market.market_id
        if window.settled_at_ms is not None:
            return self._reviews.begin(window, now_ms)
        window = window.without_inexact_strike()
        self._table.windows[market_id] = window
        if window.resolution is not None:
            self._table.closed[market_id] = 0
            return self._announce_result(window)
        if window.market.closes_at_ms <= now_ms or is_orphan(self.settings, window.market):
            return self._close(window, now_ms)
        return [*to_all(OPENED_READERS, window.opening), *self._search.begin(window, now_ms)]

    @handles(TimerFired)
    def on_timer(self, message: TimerFired, now_ms: int) -> Effects:
        """Do what is due: repeat a question, switch to the next window, or repeat announcements."""
        key = message.key
        if key in (_ROLL, OPEN_TIMER):
            return self._roll(now_ms)
        if key == _REPEAT:
            return [*self._roll(now_ms), *self._table.repeat_all(), _repeat_timer()]
        if key.startswith(_SETTLE):
            window = self._table.windows.get(key.removeprefix(_SETTLE))
            return self._announce_result(window) if window is not None else []
        if key.startswith(TICK):
            return self._search.ask_for_tick(key, self._table.windows.values(), now_ms)
        return self._ask(key, now_ms)

    @handles(PeerRestarted)
    def tell_peer(self, message: PeerRestarted, _now_ms: int) -> Effects:
        """Tell a restarted actor what is open and closed; results are repeated anyway."""
        return [
            effect
            for effect in self._table.repeat_all()
            if isinstance(effect, Send) and effect.to == message.role
        ]

    # Opening and closing

    def _roll(self, now_ms: int) -> Effects:
        """Close what has ended, open what has begun, and look for the next windows."""
        effects: Effects = []
        for window in [*self._table.windows.values()]:
            is_over = window.market.closes_at_ms <= now_ms
            if is_over and window.market.market_id not in self._table.closed:
                effects += self._close(window, now_ms)
        start_ms = window_start_ms(now_ms, self._window_ms)
        effects += self._listings.give_up_before(start_ms)
        next_start_ms = start_ms + self._window_ms
        if self._is_time_known:
            effects += self._open_or_find(start_ms, now_ms)
            if now_ms >= next_start_ms - PREFETCH_MS and not self._is_ending:
                effects += self._listings.find(next_start_ms, now_ms)
        effects += self._listings.tell_refused(start_ms)
        until_prefetch_ms = next_start_ms - PREFETCH_MS - now_ms
        delay_ms = until_prefetch_ms if until_prefetch_ms > 0 else next_start_ms - now_ms
        return [*effects, SetTimer(_ROLL, delay_ms)]

    def _open_or_find(self, start_ms: int, now_ms: int) -> Effects:
        if start_ms <= self._newest_start_ms or self._is_ending:
            return []
        market, effects = self._listings.take_out(start_ms, now_ms)
        return effects if market is None else [*effects, *self._open(market, now_ms)]

    def _open(self, market: Market, now_ms: int) -> Effects:
        window = self._ticks.prove(WindowState(market=market))
        self._table.windows[market.market_id] = window
        self._newest_start_ms = market.opens_at_ms
        return [
            record(window.opening, window),
            *to_all(OPENED_READERS, window.opening),
            *strike_line(None, window),
            *self._search.begin(window, now_ms),
        ]

    def _close(self, window: WindowState, now_ms: int) -> Effects:
        market_id = window.market.market_id
        self._table.closed[market_id] = 0
        return [
            *to_all(CLOSING_READERS, MarketClosing(market_id)),
            SetTimer(POLL + market_id, POLL_MS),
            *self._search.end(market_id),
            *self._search.await_tick(window.market.closes_at_ms, now_ms),
        ]

    # Strike and close

    @handles(TwapTick)
    def on_twap_tick(self, tick: TwapTick, _now_ms: int) -> Effects:
        """Accept a tick, at any time, that may prove a strike or a close."""
        if tick.asset not in ("", self.settings.series.asset):
            return []
        contradiction = self._ticks.contradiction(tick)
        effects: Effects = [Log("error", contradiction)] if contradiction else []
        if not self._ticks.note(tick):
            return effects
        for window in [*self._table.windows.values()]:
            effects += self._table.improve(window, self._ticks.prove(window))
        return effects

    def _take_price(self, key: str, body: bytes, now_ms: int) -> Effects:
        window = self._table.searched(key)
        if window is None:
            return []
        strike, effects = self._search.take(key, body, window, now_ms)
        if strike is not None:
            improved = attrs.evolve(window, strike=better(window.strike, strike))
            return [*effects, *self._table.improve(window, improved)]
        return [*effects, *self._tell_missing(key, now_ms)]

    def _tell_missing(self, key: str, now_ms: int) -> Effects:
        window = self._table.searched(key)
        if window is None or not key.startswith(EVENT):
            return []
        market_id = window.market.market_id
        self._table.windows[market_id], effects = self._search.tell_missing(window, now_ms)
        return effects

    # Resolution and settlement

    @handles(ResolvedEvent)
    def on_resolved_hint(self, event: ResolvedEvent, now_ms: int) -> Effects:
        """Ask for the result at once when the venue's stream announces one."""
        return self._ask(POLL + event.market_id, now_ms)

    def _resolve(self, window: WindowState, found: Resolution) -> Effects:
        evidence = evidence_of(found, window)
        resolved = window.resolved(found.winner, evidence)
        market_id = window.market.market_id
        self._table.windows[market_id] = resolved
        effects: Effects = [
            record(resolved.resolution, resolved),
            CancelTimer(POLL + market_id),
            *self._announce_result(resolved),
        ]
        expected = window.expected_winner()
        if found.winner is not None and expected not in (None, found.winner):
            effects.append(
                Log(
                    "error",
                    f"{window.market.slug}: the venue says {found.winner.value}, which contradicts "
                    "our strike and close: check their source",
                )
            )
        return effects

    def _announce_result(self, window: WindowState) -> Effects:
        again = SetTimer(_SETTLE + window.market.market_id, SETTLE_REPEAT_MS)
        return [*to_all((POSITION, OBSERVER, RECORDER), window.resolution), again]

    @handles(WindowSettled)
    def on_settled(self, message: WindowSettled, now_ms: int) -> Effects:
        """Finish a window; a repetition after a late fill has no effect."""
        window = self._table.windows.get(message.market_id)
        if window is None or window.resolution is None:
            return []
        if message.revision < window.resolution.revision:
            return []  # settled by a result that the venue has since withdrawn
        del self._table.windows[message.market_id]
        self._table.closed.pop(message.market_id, None)
        settled = attrs.evolve(window, settled_at_ms=now_ms)
        return [
            record(WindowFinished(message.market_id), settled),
            CancelTimer(_SETTLE + message.market_id),
            *self._reviews.begin(settled, now_ms),
        ]

    def _take_review(self, key: str, body: bytes, now_ms: int) -> Effects:
        contradicted, effects = self._reviews.take(key, body, now_ms)
        if contradicted is None:
            return effects
        market_id = contradicted.market.market_id
        self._table.windows[market_id] = contradicted
        self._table.closed[market_id] = 0
        return [*effects, *self._announce_result(contradicted)]

    # Questions to the venue

    def _ask(self, key: str, now_ms: int) -> Effects:
        """Ask a question, unless it no longer matters."""
        url = self._url(key)
        return self._questions.ask(key, url, now_ms) if url is not None else []

    def _url(self, key: str) -> str | None:
        venue = self.settings.venue
        if key == _TIME:
            return f"{venue.clob_url}/time"
        if key.startswith((FIND, FEE)):
            return self._listings.url(key)
        if key.startswith((EVENT, SITE)):
            searched = self._table.searched(key)
            return self._search.url(key, searched) if searched is not None else None
        if key.startswith(REVIEW):
            return self._reviews.url(key)
        if key.startswith(POLL):
            window = self._table.unresolved(key)
            if window is not None:
                return f"{venue.gamma_url}/markets/slug/{window.market.slug}"
        return None

    @handles(HttpAnswered)
    def on_answer(self, answer: HttpAnswered, now_ms: int) -> Effects:
        """Handle the venue's answer to a question."""
        key, asked_at_ms = question_of(answer.request_id)
        if key.startswith(REVIEW) and answer.status in _ABSENT:
            return self._reviews.take_absence(key, now_ms)
        if answer.status != 200:
            complaint = f"{self._url(key)} answered {answer.status}"
            return self._refuse(key, complaint, now_ms, answer.retry_after_ms)
        try:
            if key == _TIME:
                return self._take_time(answer, asked_at_ms, now_ms)
            if key.startswith((FIND, FEE)):
                return [*self._listings.take(key, answer.body, now_ms), *self._roll(now_ms)]
            if key.startswith((EVENT, SITE)):
                return self._take_price(key, answer.body, now_ms)
            if key.startswith(REVIEW):
                return self._take_review(key, answer.body, now_ms)
            if key.startswith(COMPARE):
                return self._reviews.take_prices(key, answer.body)
            return self._take_result(key, answer.body)
        except (MarketRefused, TimeUnreadable) as problem:
            return self._refuse(key, str(problem), now_ms)

    @handles(HttpFailed)
    def on_failure(self, failure: HttpFailed, now_ms: int) -> Effects:
        """Ask again when the venue cannot be reached, and log the reason."""
        told = Send(OBSERVER, VenueUnreachable(failure.reason))
        key, _ = question_of(failure.request_id)
        ask_again = self._refuse if failure.was_answered else self._ask_again
        return [told, *ask_again(key, failure.reason, now_ms)]

    def _refuse(self, key: str, complaint: str, now_ms: int, at_least_ms: int = 0) -> Effects:
        """Ask again after an unusable answer, but for a settled window only a few times."""
        if key.startswith(REVIEW):
            ended = self._reviews.refuse(key, complaint, now_ms)
            if ended is not None:
                return ended
        return self._ask_again(key, complaint, now_ms, at_least_ms)

    def _ask_again(self, key: str, complaint: str, now_ms: int, at_least_ms: int = 0) -> Effects:
        effects: Effects = []
        if key.startswith((FIND, FEE)):
            effects += self._listings.refuse(key, complaint)
            effects += self._listings.tell_refused(window_start_ms(now_ms, self._window_ms))
        effects += self._tell_missing(key, now_ms)
        if self._url(key) is None:
            self._questions.forget(key)
            return effects
        slowest_ms = SLOWEST_TIME_CHECK_MS
        if key != _TIME:
            slowest_ms = _SLOWEST_MS[key.partition("/")[0] + "/"]
        return [*effects, *self._questions.ask_again(key, complaint, slowest_ms, at_least_ms)]

    def _take_time(self, answer: HttpAnswered, asked_at_ms: int, now_ms: int) -> Effects:
        reading = read_venue_time(
            answer.body, asked_at_ms, now_ms, answer.took_ms, self.settings.speed
        )
        effects: Effects = [Send(OBSERVER, VenueSkew(reading.skew_ms))]
        if reading.needs_correction:
            complaint = f"{skew_words(reading.skew_ms)}; all times are corrected by that"
            again = self._questions.ask_again(_TIME, complaint, SLOWEST_TIME_CHECK_MS)
            return [*effects, Send(SUPERVISOR, VenueTimeMeasured(reading.skew_ms)), *again]
        self._is_time_known = True
        effects += self._questions.answered(_TIME)
        return [*effects, SetTimer(_TIME, TIME_CHECK_MS), *self._roll(now_ms)]

    def _take_result(self, key: str, body: bytes) -> Effects:
        window = self._table.unresolved(key)
        if window is None:
            return []
        resolution = decode_resolution(body, window.market)
        effects = self._questions.answered(key)
        if resolution is None:
            polls_count, told = self._table.polled(window)
            slower = 1 + polls_count // POLLS_BEFORE_SLOWER
            return [*effects, *told, SetTimer(key, min(POLL_MS * slower, SLOWEST_POLL_MS))]
        return [*effects, *self._resolve(window, resolution)]


def _repeat_timer() -> SetTimer:
    return SetTimer(_REPEAT, REPEAT_MS)
