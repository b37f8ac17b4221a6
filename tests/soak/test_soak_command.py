"""A soak of seconds, whole."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from understudy.isolation import module_command


@pytest.mark.processes
def test_a_soak_of_seconds_finds_nothing_and_tells_its_curves(tmp_path: Path) -> None:
    plot = tmp_path / "soak.svg"
    words = ("soak", "--hours", "0.003", "--seed", "3", "--json", "--plot", str(plot))
    ended = subprocess.run(
        module_command("understudy", *words),
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["findings"] == []
    assert told["orders"] > 0
    assert "web" in told["watchers"]
    assert told["kills"] + sum(told["troubles"].values()) > 0
    assert told["curves"]["memory in all"]["points"]
    assert plot.read_text().startswith("<?xml")
