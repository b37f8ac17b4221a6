"""The layouts: which actors share a process.

A crash of an actor does not affect its process, but an endless loop or a kill affects all actors in
it.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from actors.roles import (
    DESK,
    DIRECTORY,
    EXECUTOR,
    MARKET_FEED,
    MARKET_STATE,
    ORDERS,
    POSITION,
    REFERENCE_FEED,
    STRATEGY,
    base_role,
)

ISOLATED, GROUPED = "isolated", "grouped"
LAYOUTS = (ISOLATED, GROUPED)

TRADING = "trading"
"""The process of all actors on a tick's way to the venue, in the grouped layout."""

_TOGETHER = (POSITION, EXECUTOR, DESK, STRATEGY, MARKET_STATE, MARKET_FEED, REFERENCE_FEED)


@attrs.frozen(kw_only=True)
class Layout:
    """The division of actors among processes."""

    processes: tuple[tuple[str, tuple[str, ...]], ...]
    """Name of each process and its permanent roles, both in starting order."""
    orders_in: str
    """Name of the process of all orders."""


def layout_of(
    name: str, roles: Sequence[str], *, is_live: bool, is_strategy_alone: bool = False
) -> Layout:
    """Divide permanent roles, given in starting order, among processes.

    Isolated: each in a process of its own, and all orders in one. Grouped: those on a tick's way,
    from the feeds on, together with the orders, for all series; the directories together; all
    others alone. An executor with real money is always alone, since it has the key. A strategy may
    be, since an endless loop in it blocks its process.
    """
    if name == ISOLATED:
        alone = tuple((role, (role,)) for role in roles)
        return Layout(processes=(*alone, (ORDERS, ())), orders_in=ORDERS)
    if name != GROUPED:
        raise ValueError(f"{name} is not a layout: there are {', '.join(LAYOUTS)}")
    sharing: dict[str, list[str]] = {}
    for role in roles:
        base = base_role(role)
        is_alone = (is_live and role == EXECUTOR) or (is_strategy_alone and base == STRATEGY)
        is_together = base in _TOGETHER and not is_alone
        process = TRADING if is_together else DIRECTORY if base == DIRECTORY else role
        sharing.setdefault(process, []).append(role)
    processes = tuple((process, tuple(each)) for process, each in sharing.items())
    return Layout(processes=processes, orders_in=TRADING)
