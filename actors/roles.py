"""The names that actors call each other by: a role outlives every actor that fills it."""

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
"""Stands for whoever sent the message being handled."""

PROCESS = ""
"""Stands for a process and not for an actor in it: what the supervisor says to all of it."""

ORDERS = "orders"
"""Where orders live: the route to every order's actor, and the name of their process."""

_ORDER_PREFIX = "order/"

_OF_SERIES = frozenset({DIRECTORY, MARKET_STATE, STRATEGY})
"""Kinds of actor of which each series has its own; all others are the account's."""


_ROLES_KEPT = 2_048
"""Of so many roles it is remembered what they are: every message is asked it."""


def order_role(order_id: str) -> str:
    """Role of the actor that lives one order's life."""
    return _ORDER_PREFIX + order_id


def order_id_of(role: str) -> str | None:
    """Order id of an order's role; None for every other role."""
    return role.removeprefix(_ORDER_PREFIX) if role.startswith(_ORDER_PREFIX) else None


def is_of_series(base: str) -> bool:
    """Whether each series has its own actor of this kind."""
    return base in _OF_SERIES


def series_role(base: str, series: str) -> str:
    """Role of a series' own actor, such as ``strategy/btc-15m``; of others the plain one."""
    return f"{base}/{series}" if base in _OF_SERIES else base


@functools.lru_cache(_ROLES_KEPT)
def base_role(role: str) -> str:
    """The kind of actor: ``strategy`` of ``strategy/btc-15m``; a plain role itself."""
    base, _, _ = role.partition("/")
    return base if base in _OF_SERIES else role


@functools.lru_cache(_ROLES_KEPT)
def series_of_role(role: str) -> str:
    """The series that a role belongs to; empty for the account's, and while there is but one."""
    base, _, series = role.partition("/")
    return series if base in _OF_SERIES else ""


def known_as(role: str, to: str) -> str | None:
    """What an actor calls a role; None if it is a neighbour of another series, unknown to it."""
    own, series = series_of_role(to), series_of_role(role)
    if not (own and series):
        return role
    return base_role(role) if own == series else None
