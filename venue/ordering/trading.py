"""The markets that orders can be sent to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from venue.engine import MatchingEngine
from venue.engine.messages import EngineEvent
from venue.frames import Frame
from venue.windows import Window


class TradingMarket(Protocol):
    """A market with an engine behind it; a recorded one has none."""

    @property
    def window(self) -> Window:
        """What it is called."""
        ...

    @property
    def engine(self) -> MatchingEngine:
        """Takes its orders."""
        ...

    @property
    def watchers(self) -> list[Callable[[list[EngineEvent], int], None]]:
        """They are told all that the engine tells, and when."""
        ...

    def publish(self, events: list[EngineEvent], now_ms: int) -> list[Frame]:
        """Tell everyone what the engine did; return what the public is sent."""
        ...


class TradingMarkets(Protocol):
    """Finds the market that an order is for."""

    def with_token(self, token: str) -> TradingMarket | None:
        """The market that a token is an outcome of, if it takes orders."""
        ...

    def with_condition(self, condition_id: str) -> TradingMarket | None:
        """The market of a condition id, if it takes orders."""
        ...
