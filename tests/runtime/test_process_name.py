from __future__ import annotations

import os
import subprocess
import sys

import pytest

from actors.runtime.process_name import NAME_MOST_BYTES

pytestmark = pytest.mark.processes

SHOW = """
import os, sys
from pathlib import Path
from actors.runtime.process_name import name_process
before = Path("/proc/self/environ").read_bytes()
name_process(sys.argv[1])
for name in ("comm", "cmdline"):
    print(Path("/proc/self", name).read_text().strip("\\0\\n"))
print(Path("/proc/self/environ").read_bytes() == before, sys.argv[1], os.environ["MARK"])
"""


@pytest.mark.parametrize("name", ["desk", "reference-feed", "a-name-that-is-longer-than-that"])
def test_a_process_shows_its_name_and_whose_it_is_and_keeps_its_environment(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOW, name],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "MARK": "as it was"},
    )
    assert done.stdout.splitlines() == [
        name[:NAME_MOST_BYTES],
        f"{name} (understudy)",
        f"True {name} as it was",
    ]


def test_a_name_that_does_not_fit_is_cut() -> None:
    code = (
        "from pathlib import Path; from actors.runtime.process_name import name_process\n"
        "name_process('n' * 10_000)\n"
        "print(len(Path('/proc/self/cmdline').read_bytes()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    room = len(f"{sys.executable}-c{code}") + 3
    assert int(done.stdout) == room
