from __future__ import annotations

import re
from pathlib import Path

import attrs

from actors.settings import StrategySettings
from understudy.settings.keys import keys_in

DOCS = Path(__file__).parents[2] / "docs" / "strategy.md"


def test_the_documented_parameters_are_all_there_are_with_their_defaults() -> None:
    section = DOCS.read_text(encoding="utf-8").partition("## Parameters")[2].partition("\n## ")[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section, flags=re.MULTILINE))
    written = {None: "unset", True: "true", False: "false"}
    actual = {
        name: f'"{value}"' if isinstance(value, str) else written.get(value, str(value))
        for name, value in attrs.asdict(StrategySettings()).items()
        if name in {key.name for key in keys_in(StrategySettings)}
    }
    assert documented == actual
