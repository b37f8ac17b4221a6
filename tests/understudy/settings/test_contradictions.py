from __future__ import annotations

from pathlib import Path

import pytest
from called import understudy

from actors.settings import Settings
from understudy.processes.exit_codes import ExitCode
from understudy.settings.config import load
from understudy.settings.contradictions import contradictions

PAIRS = {
    ("strategy.bootstrap_low_ticks=500",): ("bootstrap_low_ticks (500)", "high_ticks (400)"),
    ("strategy.max_shares=10",): ("max_trade_shares (20)", "max_shares (10)"),
    ("strategy.kill_zone_minutes=6",): ("kill_zone_minutes (6)", "high_zone_minutes (5)"),
    ("strategy.kill_zone_minutes=15", "strategy.high_zone_minutes=15"): ("the whole window",),
    ("strategy.oracle_block_yes_ticks=700",): ("block_yes_ticks (700)", "block_no_ticks (600)"),
    ("strategy.target_pair_ticks=1001",): ("target_pair_ticks (1001)", "1000"),
    ("risk.max_order_dollars=300",): ("max_order_dollars (300)", "max_window_dollars (250)"),
    ("risk.max_order_dollars=7",): ("$8", "max_order_dollars (7)"),
}


def test_the_defaults_go_together() -> None:
    assert contradictions(Settings()) == ()


@pytest.mark.parametrize(("assignments", "words"), PAIRS.items())
def test_two_values_that_do_not_go_together_are_named_with_their_values(
    assignments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    (sentence,) = contradictions(load(None, assignments).settings)
    assert all(word in sentence for word in words)


def test_a_check_names_every_contradiction_and_the_file(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("[strategy]\nmax_shares = 10\nbootstrap_low_ticks = 500\n")
    result = understudy("config", "check", path)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert result.output.count(f"{path}: strategy.") == 2
