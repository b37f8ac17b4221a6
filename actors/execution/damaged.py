"""What is recorded when an order's row in the journal was found damaged, before a run began."""

from __future__ import annotations

import attrs


@attrs.frozen
class OrderMadeAnew:
    """Recorded: an Order goes on from its creation, and hears the rest from the executor again."""

    order_id: str
    reason: str


@attrs.frozen
class OrderSetAside:
    """Recorded: nobody follows this order any more, for what the executor knew of it is lost."""

    order_id: str
    reason: str
