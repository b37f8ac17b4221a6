"""Output to people that can fail without consequences."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
import unicodedata
from collections.abc import Iterator

import click

from actors.shown_text import shown

_PLAIN_ERRORS = "understudy-plain"
_PLAIN = dict(zip("…→●○◌·├└━✓✗⏎", ".>*o~-|`-+x/", strict=True))
"""ASCII replacements of signs, one character each, so that tables stay aligned."""


def show_everything() -> None:
    """Let stdout and stderr write any text, whatever the terminal's encoding.

    A character the encoding lacks is written as similar ASCII, otherwise as a question mark; so are
    the bytes of a file name that are not text.
    """
    codecs.register_error(_PLAIN_ERRORS, _in_plain_signs)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_PLAIN_ERRORS)


def _in_plain_signs(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(sign: str) -> str:
    """Return an ASCII character for one that cannot be written; ``é`` is ``e``."""
    if unicodedata.category(sign) == "Pd":
        return "-"
    base = unicodedata.normalize("NFKD", sign)[0]
    return _PLAIN.get(sign) or (base if base.isascii() else "?")


@contextlib.contextmanager
def only_shown() -> Iterator[None]:
    """Within the block, output may fail without consequences.

    A terminal that was closed (EIO) or a pipe whose reader has left (EPIPE) discards the rest of
    this process's output in silence, including what is flushed as the process exits.
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


def echo_shown(text: str, *, err: bool = False) -> None:
    """Print lines for people, on stderr if asked."""
    click.echo(shown(text, keeps_breaks=True), err=err)


def say(sentence: str) -> None:
    """Print one sentence on stderr, if anyone can still read it."""
    with only_shown():
        click.echo(shown(f"understudy: {sentence}"), err=True)


def warn(problem: str) -> None:
    """Print a problem, if there is one."""
    if problem:
        say(problem)
