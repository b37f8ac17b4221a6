"""``understudy config show --data-dir``: the settings that a running system uses."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from called import understudy
from click.testing import Result
from watched import running, status

from actors.settings import Settings
from understudy.processes.exit_codes import ExitCode
from understudy.settings.keys import KEYS


def show(data_dir: Path, *arguments: str) -> Result:
    return understudy("config", "show", "--data-dir", data_dir, *arguments)


def test_the_settings_of_a_running_system_are_shown_and_what_is_not_the_default(
    tmp_path: Path,
) -> None:
    execution = attrs.evolve(Settings().execution, order_ttl_ms=10_000)
    settings = attrs.evolve(Settings(), execution=execution)
    with running(tmp_path, status(settings=settings)):
        shown = json.loads(show(tmp_path, "--json").stdout)
        table = show(tmp_path).stdout
    assert list(shown) == list(KEYS)
    changed = shown["execution.order_ttl_ms"]
    assert (changed["value"], changed["source"]) == (10_000, "running system")
    assert {each["source"] for key, each in shown.items() if key != "execution.order_ttl_ms"} == {
        "default"
    }
    assert "10000" in table


def test_a_directory_where_nothing_runs_has_no_settings_to_show(tmp_path: Path) -> None:
    result = show(tmp_path)
    assert result.exit_code == ExitCode.FAILED
    assert str(tmp_path) in result.output


@pytest.mark.parametrize("more", [("--set", "series.asset=eth"), ("--config", "x.toml")])
def test_a_running_system_is_not_mixed_with_other_settings(
    tmp_path: Path, more: tuple[str, str]
) -> None:
    result = show(tmp_path, *more)
    assert (result.exit_code, "leave out" in result.output) == (ExitCode.BAD_INPUT, True)
