"""What the simulated executor tells an Order of a change, as a venue would."""

from __future__ import annotations

from actors.core import Effects, Send
from actors.execution.paper import PaperOrder, PaperPhase, is_final
from actors.messages.execution import (
    Fill,
    OrderAccepted,
    OrderCancelled,
    OrderRejected,
    OrderReport,
    OrderStatus,
)
from actors.roles import order_role


def paper_news(before: PaperOrder, report: OrderReport) -> Effects:
    """Tell an Order what its report has over what it was told before."""
    order_id, to = report.order_id, order_role(report.order_id)
    is_refused = is_final(report) and not report.fills
    effects: Effects = []
    if before.phase is PaperPhase.ARRIVING and not is_refused:
        effects.append(Send(to, OrderAccepted(order_id, None)))
    effects += [Send(to, Fill(order_id, fill)) for fill in report.fills[len(before.fills) :]]
    if report.status is OrderStatus.REJECTED:
        effects.append(Send(to, OrderRejected(order_id, report.reason)))
    if report.status is OrderStatus.CANCELLED:
        filled_units = sum(fill.size_units for fill in report.fills)
        effects.append(Send(to, OrderCancelled(order_id, report.reason, filled_units)))
    return effects
