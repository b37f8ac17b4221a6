"""The program, called as in a shell."""

from __future__ import annotations

from click.testing import CliRunner, Result

from understudy.cli import main


def understudy(*words: object, typed: str = "") -> Result:
    """Run a command within this process, with what is typed at its questions."""
    return CliRunner().invoke(main, [str(word) for word in words], input=typed)
