"""Calls the reading commands as a person would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from understudy.cli import main
from understudy.processes.exit_codes import ExitCode

READING_COMMANDS = (("orders",), ("positions",), ("fills",), ("explain", "1"), ("report",))


def understudy(data_dir: Path, *arguments: str, columns: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(
        main, [*arguments, "--data-dir", str(data_dir)]
    )


def printed(data_dir: Path, *arguments: str, columns: int = 80) -> str:
    """What a command that succeeds prints, no line wider than the screen."""
    result = understudy(data_dir, *arguments, columns=columns)
    assert result.exit_code == ExitCode.OK, result.output
    assert max(map(len, result.output.splitlines()), default=0) <= columns
    return result.output


def told(data_dir: Path, *arguments: str) -> Any:
    """What a command that succeeds tells a program."""
    result = understudy(data_dir, *arguments, "--json")
    assert result.exit_code == ExitCode.OK, result.output
    return json.loads(result.output)
