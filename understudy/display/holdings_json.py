"""How both outcomes' holdings are named to programs."""

from __future__ import annotations

from actors.messages.position import Holding
from actors.units import dollars_text, size_text


def holdings_json(yes: Holding, no: Holding) -> dict[str, str]:
    """Tell what is held and what it cost, in exact texts; the short names go after release 0.1."""
    yes_shares, no_shares = size_text(yes.quantity_units), size_text(no.quantity_units)
    yes_cost, no_cost = dollars_text(yes.cost_nanos), dollars_text(no.cost_nanos)
    return {
        "yes_shares": yes_shares,
        "no_shares": no_shares,
        "yes_cost": yes_cost,
        "no_cost": no_cost,
        "Qy": yes_shares,
        "Qn": no_shares,
        "Cy": yes_cost,
        "Cn": no_cost,
    }
