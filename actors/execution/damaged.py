"""Events recorded when an order's row in the journal was found damaged, before a run began."""

from __future__ import annotations

import attrs


@attrs.frozen
class OrderMadeAnew:
    """Recorded: an Order is rebuilt from its creation; the executor will report the rest again."""

    order_id: str
    reason: str


@attrs.frozen
class OrderSetAside:
    """Recorded: the executor's row of this order was lost, so nothing tracks the order any more."""

    order_id: str
    reason: str
