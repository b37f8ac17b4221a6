"""The names that actors call each other by: a role outlives every actor that fills it."""

from __future__ import annotations

SUPERVISOR = "supervisor"
DIRECTORY = "directory"
MARKET_FEED = "market-feed"
REFERENCE_FEED = "reference-feed"
TWAP_FEED = "twap-feed"
USER_FEED = "user-feed"
MARKET_STATE = "market-state"
STRATEGY = "strategy"
DESK = "desk"
EXECUTOR = "executor"
POSITION = "position"
OBSERVER = "observer"

REPLY = "reply"
"""Stands for whoever sent the message being handled."""

PROCESS = ""
"""Stands for a process and not for an actor in it: what the supervisor says to all of it."""

ORDERS = "orders"
"""Where orders live: the route to every order's actor, and the name of their process."""

_ORDER_PREFIX = "order/"


def order_role(order_id: str) -> str:
    """Role of the actor that lives one order's life."""
    return _ORDER_PREFIX + order_id


def order_id_of(role: str) -> str | None:
    """Order id of an order's role; None for every other role."""
    return role.removeprefix(_ORDER_PREFIX) if role.startswith(_ORDER_PREFIX) else None
