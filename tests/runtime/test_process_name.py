from __future__ import annotations

import subprocess
import sys

import pytest

from actors.runtime.process_name import NAME_MOST_BYTES

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("name", ["desk", "reference-feed", "a-name-that-is-longer-than-that"])
def test_a_process_is_called_by_its_name_as_far_as_the_kernel_keeps_it(name: str) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from actors.runtime.process_name import name_process\n"
        "name_process(sys.argv[1]); print(Path('/proc/self/comm').read_text(), end='')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, name], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{name[:NAME_MOST_BYTES]}\n"
