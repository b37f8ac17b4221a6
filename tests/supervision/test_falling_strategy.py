"""A strategy of one's own that raises or hangs, in real processes: its order does not notice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from still_actors import said_by

from actors.roles import STRATEGY
from understudy.cli import main


@pytest.mark.parametrize(
    ("how", "words"),
    [("raises", "RuntimeError: on purpose"), ("hangs", "it hung and was killed")],
)
def test_a_strategy_that_goes_on_falling_is_given_up_and_its_order_is_filled_and_booked(
    tmp_path: Path, how: str, words: str
) -> None:
    said = json.loads(said_by("falling_strategy.py", str(tmp_path), how))
    assert said["restarts"].pop(STRATEGY) == 3
    assert set(said["restarts"].values()) == {0}
    assert len(said["restarts"]) == 4
    assert said["escalation"] == ""
    told = (tmp_path / "understudy.log").read_text()
    assert (
        f"the strategy is given up: strategy crashed 3 times in 60 s, at last because {words}"
        in told
    )
    assert "trading is halted: the strategy is given up" in told
    listed = CliRunner().invoke(main, ["orders", "--json", "--data-dir", str(tmp_path)])
    (order,) = json.loads(listed.output)["orders"]
    assert (order["status"], order["filled"], order["is_open"]) == ("FILLED", "10", False)
    if how == "raises":
        crash = min((tmp_path / "crashes").iterdir())
        replayed = CliRunner().invoke(main, ["replay", str(crash)])
        assert replayed.exit_code == 0, replayed.output
        assert "on purpose" in replayed.output
