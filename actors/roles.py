"""The names by which actors address each other: a role outlives the actors that fill it."""

from __future__ import annotations

import functools

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
RECORDER = "recorder"

REPLY = "reply"
"""The sender of the message being handled."""

PROCESS = ""
"""A whole process rather than an actor in it: the receiver of the supervisor's messages to it."""

ORDERS = "orders"
"""The route to every order's actor, and the name of their process."""

_ORDER_PREFIX = "order/"

_OF_SERIES = frozenset({DIRECTORY, MARKET_STATE, STRATEGY})
"""Kinds of actor of which each series has its own; all others belong to the account."""


_ROLES_KEPT = 2_048
"""Size of the caches below, which are used for every message."""


def order_role(order_id: str) -> str:
    """Return the role of an order's actor."""
    return _ORDER_PREFIX + order_id


def order_id_of(role: str) -> str | None:
    """Return the order id of an order's role; None for every other role."""
    return role.removeprefix(_ORDER_PREFIX) if role.startswith(_ORDER_PREFIX) else None


def is_of_series(base: str) -> bool:
    """Return whether each series has its own actor of this kind."""
    return base in _OF_SERIES


def series_role(base: str, series: str) -> str:
    """Return the role of a series' actor, such as ``strategy/btc-15m``; or the plain role."""
    return f"{base}/{series}" if base in _OF_SERIES else base


@functools.lru_cache(_ROLES_KEPT)
def base_role(role: str) -> str:
    """Return the kind of actor: ``strategy`` for ``strategy/btc-15m``."""
    base, _, _ = role.partition("/")
    return base if base in _OF_SERIES else role


@functools.lru_cache(_ROLES_KEPT)
def series_of_role(role: str) -> str:
    """Return the series of a role; empty for the account's, and while there is only one."""
    base, _, series = role.partition("/")
    return series if base in _OF_SERIES else ""


def known_as(role: str, to: str) -> str | None:
    """Return an actor's name for a role; None for one of another series, which it does not know."""
    own, series = series_of_role(to), series_of_role(role)
    if not (own and series):
        return role
    return base_role(role) if own == series else None
