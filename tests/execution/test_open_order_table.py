from __future__ import annotations

import pytest
from order_builders import T0, intent, order

from actors.execution.open_order_table import TrackedOrder
from actors.messages.execution import OrderStatus
from actors.units import shares


def test_before_an_order_has_spoken_a_position_may_show_none_of_it() -> None:
    assert TrackedOrder(intent(), T0, T0).unseen_units(9) == shares(10)


@pytest.mark.parametrize(("version", "unseen"), [(5, 10), (6, 5 + 4), (7, 5 + 4)])
def test_a_position_shows_what_its_version_has_booked_and_not_what_may_still_trade(
    version: int, unseen: int
) -> None:
    entry = TrackedOrder(intent(), T0, T0)
    told = frozenset({"old-1"})
    entry.order = order(OrderStatus.PARTIALLY_FILLED, 1, 4, position_version=6, unbooked=told)
    assert entry.unseen_units(version) == shares(unseen)
