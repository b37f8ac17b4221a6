"""The directory: which window is traded, its strike, and how it ended.

Windows follow each other on a fixed grid, so their slugs are computed, never searched for. The
metadata of the next window is read before it begins; at the boundary one window closes and the next
opens in one step. A closed window is asked for until the venue has decided, and its result is said
until position has settled it.

No window is opened before the venue's own time is known: by a wrong clock it would be the wrong
window. What was recorded as open is carried on with meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.core import CancelTimer, Core, Dice, Effects, Log, Record, Save, Send, SetTimer, handles
from actors.directory.gamma import MarketRefused, decode_market, decode_resolution
from actors.directory.messages import (
    HttpAnswered,
    HttpFailed,
    Market,
    MarketClosing,
    Side,
    VenueSkew,
)
from actors.directory.questions import Questions, question_of
from actors.directory.slugs import window_slug, window_start_ms
from actors.directory.venue_time import TimeUnreadable, read_venue_time
from actors.directory.windows import BoundaryTicks, CloseProven, WindowFinished, WindowState
from actors.feeds.messages import ResolvedEvent, TwapTick
from actors.messages import PeerRestarted, Started, TimerFired, VenueTimeMeasured
from actors.position.messages import WindowSettled
from actors.roles import (
    DESK,
    EXECUTOR,
    MARKET_FEED,
    MARKET_STATE,
    OBSERVER,
    POSITION,
    SUPERVISOR,
)
from actors.settings import Settings

PREFETCH_MS = 30_000
"""The next window's metadata is read this long before it begins."""

TIME_CHECK_MS = 60_000

REPEAT_MS = 5_000
"""What windows are open or closed is said again this often, since any message may be lost."""

POLL_MS = 2_000
POLLS_BEFORE_SLOWER = 30
SLOWEST_POLL_MS = 10_000
SLOWEST_FIND_MS = 5_000
SLOWEST_TIME_CHECK_MS = 30_000
SETTLE_REPEAT_MS = 2_000

_OPENED_READERS = (MARKET_STATE, MARKET_FEED, EXECUTOR, POSITION, DESK, OBSERVER)
_CLOSING_READERS = (DESK, EXECUTOR, MARKET_STATE, MARKET_FEED, OBSERVER)

_TIME, _ROLL, _REPEAT = "time", "roll", "repeat"
_FIND, _POLL, _SETTLE = "find/", "poll/", "settle/"


class DirectoryCore(Core):
    """Finds, opens, proves, closes and resolves windows, one after the other without a gap."""

    RECOVERS = ("window",)

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._window_ms = settings.series.window_ms
        self._questions = Questions(dice)
        self._ticks = BoundaryTicks(self._window_ms)
        self._is_time_known = False
        self._windows: dict[str, WindowState] = {}
        """By market id: every window opened and not yet settled."""
        self._closed: dict[str, int] = {}
        """Market ids of windows whose end was said, and how often their result was asked for."""
        self._newest_start_ms = 0
        """Start of the newest window ever opened: never one before it again."""
        self._sought: set[int] = set()
        """Starts of windows whose metadata is being asked for."""
        self._found: dict[int, Market] = {}
        """Metadata of windows not yet opened, by their start."""

    @property
    def is_serving(self) -> bool:
        """Whether a window is open for trading."""
        return self._open_window() is not None

    # Start and time

    @handles(Started)
    def start(self, message: Started, now_ms: int) -> Effects:
        """Carry on with the windows that were open or unsettled, and ask the venue for its time."""
        effects: Effects = []
        windows = [value for value in message.saved if isinstance(value, WindowState)]
        for window in sorted(windows, key=lambda each: each.market.opens_at_ms):
            self._windows[window.market.market_id] = window
            self._newest_start_ms = window.market.opens_at_ms
            effects += self._resume(window, now_ms)
        return [*effects, *self._ask(_TIME, now_ms), *self._roll(now_ms), _repeat_timer()]

    def _resume(self, window: WindowState, now_ms: int) -> Effects:
        market_id = window.market.market_id
        if window.resolution is not None:
            self._closed[market_id] = 0
            return self._say_resolved(window)
        if window.market.closes_at_ms <= now_ms:
            return self._close(window)
        return _to(_OPENED_READERS, window.opening)

    @handles(TimerFired)
    def on_timer(self, message: TimerFired, now_ms: int) -> Effects:
        """Do what is due: ask again, roll over, repeat."""
        key = message.key
        if key == _ROLL:
            return self._roll(now_ms)
        if key == _REPEAT:
            return [*self._roll(now_ms), *self._repeat_all(), _repeat_timer()]
        if key.startswith(_SETTLE):
            window = self._windows.get(key.removeprefix(_SETTLE))
            return self._say_resolved(window) if window is not None else []
        return self._ask(key, now_ms)

    @handles(PeerRestarted)
    def tell_peer(self, message: PeerRestarted, _now_ms: int) -> Effects:
        """Tell a new actor what is open and what is closed; results are being repeated anyway."""
        return [
            effect
            for effect in self._repeat_all()
            if isinstance(effect, Send) and effect.to == message.role
        ]

    def _repeat_all(self) -> Effects:
        effects: Effects = []
        for market_id, window in self._windows.items():
            if market_id not in self._closed:
                effects += _to(_OPENED_READERS, window.opening)
            elif window.resolution is None:
                effects += _to(_CLOSING_READERS, MarketClosing(market_id))
        return effects

    # Opening and closing

    def _open_window(self) -> WindowState | None:
        for market_id, window in self._windows.items():
            if market_id not in self._closed:
                return window
        return None

    def _roll(self, now_ms: int) -> Effects:
        """Close what is over, open what has begun, and look for what comes."""
        effects: Effects = []
        for window in [*self._windows.values()]:
            is_over = window.market.closes_at_ms <= now_ms
            if is_over and window.market.market_id not in self._closed:
                effects += self._close(window)
        start_ms = window_start_ms(now_ms, self._window_ms)
        effects += self._give_up_before(start_ms)
        next_start_ms = start_ms + self._window_ms
        if self._is_time_known:
            effects += self._open_or_find(start_ms, now_ms)
            if now_ms >= next_start_ms - PREFETCH_MS:
                effects += self._find(next_start_ms, now_ms)
        until_prefetch_ms = next_start_ms - PREFETCH_MS - now_ms
        delay_ms = until_prefetch_ms if until_prefetch_ms > 0 else next_start_ms - now_ms
        return [*effects, SetTimer(_ROLL, delay_ms)]

    def _give_up_before(self, start_ms: int) -> Effects:
        """Forget windows that are over and were never opened."""
        missed = [at for at in (*self._sought, *self._found) if at < start_ms]
        self._sought.difference_update(missed)
        for at in missed:
            self._found.pop(at, None)
        return [
            Log("warning", f"{self._slug(at)} is over and was never traded: not found in time")
            for at in missed
        ]

    def _open_or_find(self, start_ms: int, now_ms: int) -> Effects:
        if start_ms <= self._newest_start_ms:
            return []
        market = self._found.pop(start_ms, None)
        return self._open(market) if market is not None else self._find(start_ms, now_ms)

    def _open(self, market: Market) -> Effects:
        window = self._ticks.prove(WindowState(market=market))
        self._windows[market.market_id] = window
        self._newest_start_ms = market.opens_at_ms
        return [_record(window.opening, window), *_to(_OPENED_READERS, window.opening)]

    def _close(self, window: WindowState) -> Effects:
        market_id = window.market.market_id
        self._closed[market_id] = 0
        poll = SetTimer(_POLL + market_id, POLL_MS)
        return [*_to(_CLOSING_READERS, MarketClosing(market_id)), poll]

    def _find(self, start_ms: int, now_ms: int) -> Effects:
        if start_ms in self._found or start_ms in self._sought:
            return []
        self._sought.add(start_ms)
        return self._ask(f"{_FIND}{start_ms}", now_ms)

    # Strike and close

    @handles(TwapTick)
    def on_twap_tick(self, tick: TwapTick, _now_ms: int) -> Effects:
        """Take the average that proves a strike or a close, whenever it comes."""
        if not self._ticks.note(tick):
            return []
        effects: Effects = []
        for market_id, window in self._windows.items():
            proven = self._ticks.prove(window)
            if proven == window or window.resolution is not None:
                continue
            self._windows[market_id] = proven
            if proven.strike != window.strike:
                effects.append(_record(proven.opening, proven))
                if market_id not in self._closed:
                    effects += _to(_OPENED_READERS, proven.opening)
            if proven.close is not None and proven.close != window.close:
                event = CloseProven(market_id=market_id, close=proven.close)
                effects.append(_record(event, proven))
        return effects

    # Resolution and settlement

    @handles(ResolvedEvent)
    def on_resolved_hint(self, event: ResolvedEvent, now_ms: int) -> Effects:
        """Ask for the result at once when the venue's stream says there is one."""
        return self._ask(_POLL + event.market_id, now_ms)

    def _resolve(self, window: WindowState, winner: Side | None, evidence: str) -> Effects:
        resolved = window.resolved(winner, evidence)
        market_id = window.market.market_id
        self._windows[market_id] = resolved
        effects: Effects = [
            _record(resolved.resolution, resolved),
            CancelTimer(_POLL + market_id),
            *self._say_resolved(resolved),
        ]
        expected = window.expected_winner()
        if winner is not None and expected not in (None, winner):
            effects.append(
                Log(
                    "error",
                    f"{window.market.slug}: the venue says {winner.value}, "
                    f"but the averages at its start and end say otherwise: check their source",
                )
            )
        return effects

    def _say_resolved(self, window: WindowState) -> Effects:
        again = SetTimer(_SETTLE + window.market.market_id, SETTLE_REPEAT_MS)
        return [*_to((POSITION, OBSERVER), window.resolution), again]

    @handles(WindowSettled)
    def on_settled(self, message: WindowSettled, _now_ms: int) -> Effects:
        """Be done with a window; said again after a late fill, it changes nothing here."""
        window = self._windows.get(message.market_id)
        if window is None or window.resolution is None:
            return []
        del self._windows[message.market_id]
        self._closed.pop(message.market_id, None)
        finished = _record(WindowFinished(message.market_id), window, is_open=False)
        return [finished, CancelTimer(_SETTLE + message.market_id)]

    # Questions to the venue

    def _ask(self, key: str, now_ms: int) -> Effects:
        """Ask a question, unless it no longer matters."""
        url = self._url(key)
        return self._questions.ask(key, url, now_ms) if url is not None else []

    def _url(self, key: str) -> str | None:
        venue = self.settings.venue
        if key == _TIME:
            return f"{venue.clob_url}/time"
        if key.startswith(_FIND):
            start_ms = int(key.removeprefix(_FIND))
            is_sought = start_ms in self._sought
            return f"{venue.gamma_url}/markets/slug/{self._slug(start_ms)}" if is_sought else None
        if key.startswith(_POLL):
            window = self._unresolved(key)
            if window is not None:
                return f"{venue.gamma_url}/markets/slug/{window.market.slug}"
        return None

    def _slug(self, start_ms: int) -> str:
        return window_slug(self.settings.series, start_ms)

    def _unresolved(self, key: str) -> WindowState | None:
        window = self._windows.get(key.removeprefix(_POLL))
        if window is None or window.resolution is not None:
            return None
        return window if window.market.market_id in self._closed else None

    @handles(HttpAnswered)
    def on_answer(self, answer: HttpAnswered, now_ms: int) -> Effects:
        """Take the venue's answer to a question."""
        key, asked_at_ms = question_of(answer.request_id)
        if answer.status != 200:
            url = self._url(key)
            return self._ask_again(key, f"{url} answered {answer.status}")
        try:
            if key == _TIME:
                return self._take_time(answer.body, asked_at_ms, now_ms)
            if key.startswith(_FIND):
                return self._take_market(key, answer.body, now_ms)
            return self._take_result(key, answer.body)
        except (MarketRefused, TimeUnreadable) as problem:
            return self._ask_again(key, str(problem))

    @handles(HttpFailed)
    def on_failure(self, failure: HttpFailed, _now_ms: int) -> Effects:
        """Ask again when the venue cannot be reached."""
        return self._ask_again(question_of(failure.request_id)[0], failure.reason)

    def _ask_again(self, key: str, complaint: str) -> Effects:
        if self._url(key) is None:
            return []
        slowest = {_TIME: SLOWEST_TIME_CHECK_MS, _FIND: SLOWEST_FIND_MS, _POLL: SLOWEST_POLL_MS}
        kind = _TIME if key == _TIME else key.partition("/")[0] + "/"
        return self._questions.ask_again(key, complaint, slowest[kind])

    def _take_time(self, body: bytes, asked_at_ms: int, now_ms: int) -> Effects:
        reading = read_venue_time(body, asked_at_ms, now_ms)
        effects: Effects = [Send(OBSERVER, VenueSkew(reading.skew_ms))]
        if reading.needs_correction:
            seconds = round(reading.skew_ms / 1_000)
            complaint = f"the venue's clock is {seconds:+} s from ours, which is being corrected"
            again = self._questions.ask_again(_TIME, complaint, SLOWEST_TIME_CHECK_MS)
            return [*effects, Send(SUPERVISOR, VenueTimeMeasured(reading.skew_ms)), *again]
        self._is_time_known = True
        effects += self._questions.answered(_TIME)
        return [*effects, SetTimer(_TIME, TIME_CHECK_MS), *self._roll(now_ms)]

    def _take_market(self, key: str, body: bytes, now_ms: int) -> Effects:
        start_ms = int(key.removeprefix(_FIND))
        if start_ms not in self._sought:
            return []
        closes_at_ms = start_ms + self._window_ms
        market = decode_market(body, self._slug(start_ms), start_ms, closes_at_ms)
        self._sought.discard(start_ms)
        self._found[start_ms] = market
        return [CancelTimer(key), *self._questions.answered(key), *self._roll(now_ms)]

    def _take_result(self, key: str, body: bytes) -> Effects:
        window = self._unresolved(key)
        if window is None:
            return []
        resolution = decode_resolution(body, window.market)
        effects = self._questions.answered(key)
        if resolution is None:
            market_id = window.market.market_id
            self._closed[market_id] += 1
            slower = 1 + self._closed[market_id] // POLLS_BEFORE_SLOWER
            return [*effects, SetTimer(key, min(POLL_MS * slower, SLOWEST_POLL_MS))]
        prices = "/".join(resolution.outcome_prices)
        evidence = f"Gamma's metadata of {window.market.slug}: closed with outcomePrices {prices}"
        return [*effects, *self._resolve(window, resolution.winner, evidence)]


def _to(roles: Iterable[str], message: object) -> Effects:
    return [Send(role, message) for role in roles]


def _repeat_timer() -> SetTimer:
    return SetTimer(_REPEAT, REPEAT_MS)


def _record(event: object, window: WindowState, *, is_open: bool = True) -> Record:
    save = Save("window", window.market.market_id, window, is_open=is_open)
    return Record(event, saves=(save,))
