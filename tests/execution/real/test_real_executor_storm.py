"""Some hundred storms over venue, mail and actors; after each, nothing is lost or doubled."""

from __future__ import annotations

import pytest
from real_storm import RealStorm


@pytest.mark.parametrize("seed", range(60))
def test_after_any_storm_the_ledger_holds_what_the_venue_traded(seed: int) -> None:
    storm = RealStorm(seed)
    for _ in range(400):
        storm.blow()
    storm.calm()
    storm.check()
