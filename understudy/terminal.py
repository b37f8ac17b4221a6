"""What is shown to people is only shown: where it cannot be, everything else goes on."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

import click


@contextlib.contextmanager
def only_shown() -> Iterator[None]:
    """Within the block things are printed, and nothing depends on whether that succeeds.

    A terminal that was closed (EIO) or a pipe whose reader has left (EPIPE) swallows the rest of
    this process's output in silence, up to and including what is flushed as the process exits.
    """
    try:
        with contextlib.suppress(OSError):
            yield
    finally:
        _swallow_what_is_broken()


def _swallow_what_is_broken() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with contextlib.suppress(OSError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123 # no path
                os.dup2(nowhere.fileno(), stream.fileno())
                stream.flush()


def say(sentence: str) -> None:
    """Print one sentence on stderr, if anyone can still read it."""
    with only_shown():
        click.echo(f"understudy: {sentence}", err=True)
