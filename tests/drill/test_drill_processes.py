from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from understudy.drill.processes import MARK, children_of, left_after, marked, send, wait_for

pytestmark = pytest.mark.processes

SLEEPER = "import time; time.sleep(60)"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{SLEEPER}'])"


@pytest.fixture
def family() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A marked process with a child of its own."""
    mark = secrets.token_hex(8)
    parent = subprocess.Popen([sys.executable, "-c", PARENT], env={**os.environ, MARK: mark})
    yield mark, parent
    send(signal.SIGKILL, marked(mark))
    parent.wait()
    assert left_after(5.0, mark) == frozenset()


def test_a_mark_is_handed_down_and_found_after_the_parent_has_gone(
    family: tuple[str, subprocess.Popen[bytes]],
) -> None:
    mark, parent = family
    assert wait_for(lambda: len(marked(mark)) == 2, 10.0)
    (child,) = children_of(parent.pid, marked(mark))
    send(signal.SIGKILL, [parent.pid])
    parent.wait()
    assert marked(mark) == {child}
    assert left_after(0.0, mark) == {child}


def test_a_signal_to_a_process_that_has_gone_changes_nothing(
    family: tuple[str, subprocess.Popen[bytes]],
) -> None:
    mark, parent = family
    send(signal.SIGKILL, marked(mark))
    parent.wait()
    send(signal.SIGKILL, [parent.pid])
    assert left_after(5.0, mark) == frozenset()


def test_another_mark_finds_nothing() -> None:
    assert marked(secrets.token_hex(8)) == frozenset()
