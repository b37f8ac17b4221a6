"""The ports of a backtest's cores: to a window's venue, and to a feed's recorded connection."""

from __future__ import annotations

from collections.abc import Callable

from actors.feeds.connection import Connect, Connected, Disconnect, FramesReceived, SendText
from actors.runtime.scheduler import Scheduler
from research.backtest.executor import PlaceOrder, WithdrawOrder
from research.backtest.venue import RecordedVenue


class VenueRouter:
    """The executor's port: routes every order to the venue of its window."""

    def __init__(self, venue_of: Callable[[str], RecordedVenue | None]) -> None:
        """Begin; ``venue_of`` gives the venue of a market id, or None if its window is over."""
        self._venue_of = venue_of
        self._markets: dict[str, str] = {}
        """Market id by order id."""

    def perform(self, command: object) -> None:
        """Pass on a command."""
        match command:
            case PlaceOrder(intent):
                self._markets[intent.order_id] = intent.market.market_id
                venue = self._venue_of(intent.market.market_id)
            case WithdrawOrder(order_id):
                venue = self._venue_of(self._markets.get(order_id, ""))
            case _:
                raise AssertionError(f"the executor's port cannot perform {command!r}")
        if venue is not None:
            venue.perform(command)

    def close(self) -> None:
        """Nothing to release."""

    def forget(self, market_id: str) -> None:
        """Forget a window that is over."""
        self._markets = {key: each for key, each in self._markets.items() if each != market_id}


class RecordedConnection:
    """A feed's port: it connects at once, and delivers the recorded frames."""

    def __init__(self, scheduler: Scheduler, deliver: Callable[[object], None]) -> None:
        """Begin unconnected; ``deliver`` passes an event to the feed."""
        self._scheduler = scheduler
        self._deliver = deliver
        self._epoch: int | None = None

    def perform(self, command: object) -> None:
        """Perform a command of the feed; what the feed sends to the source is ignored."""
        match command:
            case Connect(epoch):
                self._epoch = epoch
                self._scheduler.after(0, self._deliver, Connected(epoch))
            case Disconnect():
                self._epoch = None
            case SendText():
                return
            case _:
                raise AssertionError(f"a recorded connection cannot perform {command!r}")

    def bring(self, frames: tuple[tuple[bytes, int], ...]) -> None:
        """Deliver recorded frames to the feed; while it is not connected they are lost."""
        if self._epoch is not None:
            self._deliver(FramesReceived(self._epoch, frames))

    def close(self) -> None:
        """Close the connection."""
        self._epoch = None
