"""The recorder's core: which windows are recorded, from when until when.

Captured events go to its port unchanged; the port owns the files. Problems with them are logged and
affect nothing else: the recorder and all other actors go on.
"""

from __future__ import annotations

from actors.core import Command, Core, Dice, Effects, Log, SetTimer, handles
from actors.messages.directory import MarketClosing, MarketOpened, MarketResolved
from actors.messages.lifecycle import PeerRestarted, Started, TimerFired
from actors.messages.recorder import (
    BeginRecording,
    Capture,
    EndRecording,
    KeepCapture,
    RecordingFailed,
    RecordingGoesOn,
)
from actors.model import Market, Strike
from actors.settings import Settings

RESULT_LIMIT_MS = 1_800_000
"""How long after its window's end a recording is closed without a result."""
_ENDED_KEPT = 16

_END = "end/"


class RecorderCore(Core):
    """Starts a recording with each window, and ends it with the result."""

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._begun: dict[str, Strike | None] = {}
        self._markets: dict[str, Market] = {}
        self._ended: dict[str, MarketResolved | None] = {}
        """Results of the newest windows that ended, by market id."""
        self._trouble = ""

    @property
    def is_serving(self) -> bool:
        """Whether received events are being recorded."""
        return not self._trouble

    @handles(Started, PeerRestarted, MarketClosing)
    def wait(self, _message: Started | PeerRestarted | MarketClosing, _now_ms: int) -> Effects:
        """Do nothing: before a window and at its end there is nothing to record."""
        return []

    @handles(MarketOpened)
    def begin(self, opened: MarketOpened, now_ms: int) -> Effects:
        """Record a window; repeated when its strike is proven or improved."""
        market_id = opened.market_id
        if market_id in self._ended:
            return []
        if market_id in self._begun and self._begun[market_id] == opened.strike:
            return []
        self._begun[market_id] = opened.strike
        self._markets[market_id] = opened.market
        limit_ms = max(1, opened.market.closes_at_ms + RESULT_LIMIT_MS - now_ms)
        return [
            Command(BeginRecording(market=opened.market, strike=opened.strike)),
            SetTimer(_END + market_id, limit_ms),
        ]

    @handles(MarketResolved)
    def end(self, resolved: MarketResolved, _now_ms: int) -> Effects:
        """End a window's recording; a changed result corrects it."""
        if self._ended.get(resolved.market_id) == resolved:
            return []
        return self._end(resolved.market, resolved)

    @handles(TimerFired)
    def give_up(self, timer: TimerFired, _now_ms: int) -> Effects:
        """End a recording whose result does not arrive."""
        market_id = timer.key.removeprefix(_END)
        market = self._markets.get(market_id)
        return [] if market is None else self._end(market, None)

    @handles(Capture)
    def keep(self, capture: Capture, _now_ms: int) -> Effects:
        """Pass what a process's ports have received to the files."""
        return [Command(KeepCapture(capture))]

    @handles(RecordingFailed)
    def on_trouble(self, failed: RecordingFailed, _now_ms: int) -> Effects:
        """Log a problem once; a recording that could not be started is tried at its repetition."""
        self._begun.clear()
        if failed.reason == self._trouble:
            return []
        self._trouble = failed.reason
        return [Log("error", f"not recorded: {failed.reason}")]

    @handles(RecordingGoesOn)
    def on_end_of_trouble(self, _event: RecordingGoesOn, _now_ms: int) -> Effects:
        """Log that recording works again."""
        if not self._trouble:
            return []
        self._trouble = ""
        return [Log("info", "recording goes on")]

    def _end(self, market: Market, result: MarketResolved | None) -> Effects:
        self._begun.pop(market.market_id, None)
        self._markets.pop(market.market_id, None)
        self._ended[market.market_id] = result
        while len(self._ended) > _ENDED_KEPT:
            del self._ended[next(iter(self._ended))]
        return [Command(EndRecording(market, result))]
