"""The executor of a backtest: it sends orders to a recorded venue through its port.

To orders, desk and ledger it is an executor like the others. It remembers what the venue reported
about each order. No message is lost, so there is nothing to reconcile.
"""

from __future__ import annotations

import attrs

from actors.core import Command, Core, Dice, Effects, Send, handles
from actors.messages.directory import MarketClosing, MarketOpened
from actors.messages.execution import (
    CancelOrder,
    OrderIntent,
    OrderReport,
    OrderStatus,
    QueryOrder,
    SubmitOrder,
)
from actors.messages.lifecycle import Started
from actors.messages.market import MarketSnapshot
from actors.model import FillDetail
from actors.roles import order_role
from actors.settings import Settings

KEPT_AFTER_CLOSE_MS = 60_000


@attrs.frozen
class PlaceOrder:
    """Command: send an order to the venue."""

    intent: OrderIntent


@attrs.frozen
class WithdrawOrder:
    """Command: ask the venue to cancel the rest of an order."""

    order_id: str
    reason: str


@attrs.frozen
class VenueAccepted:
    """Event: the venue holds the order, or delays it."""

    order_id: str


@attrs.frozen
class VenueRejected:
    """Event: the venue refuses the order."""

    order_id: str
    reason: str


@attrs.frozen
class VenueFilled:
    """Event: part of the order has traded."""

    order_id: str
    fill: FillDetail
    is_last: bool
    """Whether the order has nothing left to trade."""


@attrs.frozen
class VenueCancelled:
    """Event: the rest of the order is cancelled."""

    order_id: str
    reason: str
    filled_units: int


VenueNews = VenueAccepted | VenueRejected | VenueFilled | VenueCancelled


class BacktestExecutorCore(Core):
    """Passes orders to the recorded venue, and its events to the orders."""

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._reports: dict[str, OrderReport] = {}
        self._closes_at_ms: dict[str, int] = {}
        """End of the order's window, by order."""

    @handles(MarketOpened)
    def open_window(self, _message: MarketOpened, now_ms: int) -> Effects:
        """Forget the orders of windows that ended long ago: nobody queries them any more."""
        for order_id, closes_at_ms in list(self._closes_at_ms.items()):
            if now_ms > closes_at_ms + KEPT_AFTER_CLOSE_MS:
                del self._closes_at_ms[order_id], self._reports[order_id]
        return []

    @handles(Started, MarketClosing, MarketSnapshot)
    def look_on(self, _message: object, _now_ms: int) -> Effects:
        """Do nothing: the venue itself follows the recording."""
        return []

    @handles(SubmitOrder)
    def submit(self, message: SubmitOrder, now_ms: int) -> Effects:
        """Send a new order; answer for a known one."""
        intent = message.intent
        if intent.order_id in self._reports:
            return [self._answer(intent.order_id)]
        self._closes_at_ms[intent.order_id] = intent.market.closes_at_ms
        if now_ms >= intent.expires_at_ms:
            return self._take_back(intent.order_id, "its time to live ended before it was sent")
        pending = OrderReport(order_id=intent.order_id, status=OrderStatus.PENDING)
        self._reports[intent.order_id] = pending
        return [Command(PlaceOrder(intent))]

    @handles(CancelOrder)
    def cancel(self, message: CancelOrder, _now_ms: int) -> Effects:
        """Ask the venue to cancel an order; one that was never sent ends here."""
        report = self._reports.get(message.order_id)
        if report is None:
            return self._take_back(message.order_id, message.reason)
        if report.status in (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED):
            return [self._answer(message.order_id)]
        return [Command(WithdrawOrder(message.order_id, message.reason))]

    @handles(QueryOrder)
    def query(self, message: QueryOrder, _now_ms: int) -> Effects:
        """Report what is known of an order."""
        return [self._answer(message.order_id)]

    @handles(VenueAccepted, VenueRejected, VenueFilled, VenueCancelled)
    def take_news(self, news: VenueNews, _now_ms: int) -> Effects:
        """Record an event of the venue, and report it to the order."""
        report = self._reports.get(news.order_id)
        if report is None:
            return []
        self._reports[news.order_id] = _after(report, news)
        return [self._answer(news.order_id)]

    def _take_back(self, order_id: str, reason: str) -> Effects:
        self._reports[order_id] = OrderReport(
            order_id=order_id, status=OrderStatus.CANCELLED, reason=reason
        )
        return [self._answer(order_id)]

    def _answer(self, order_id: str) -> Send:
        report = self._reports.get(order_id, OrderReport(order_id=order_id, status=None))
        return Send(order_role(order_id), report)


def _after(report: OrderReport, news: VenueNews) -> OrderReport:
    match news:
        case VenueAccepted():
            if report.status is not OrderStatus.PENDING:
                return report
            return attrs.evolve(report, status=OrderStatus.ACCEPTED)
        case VenueRejected(reason=reason):
            return attrs.evolve(report, status=OrderStatus.REJECTED, reason=reason)
        case VenueFilled(fill=fill, is_last=is_last):
            status = OrderStatus.FILLED if is_last else OrderStatus.PARTIALLY_FILLED
            return attrs.evolve(report, status=status, fills=(*report.fills, fill))
        case VenueCancelled(reason=reason):
            return attrs.evolve(report, status=OrderStatus.CANCELLED, reason=reason)
