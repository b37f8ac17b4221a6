"""The log: a line a happening, and nobody waits for whoever reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from actors.runtime.log import LOG_NAME, ROTATE_AT_BYTES, LineLog, rotate

TALK = """
import sys
from pathlib import Path
from actors.runtime.log import LineLog
lines = LineLog(Path(sys.argv[1]), "desk", to_stderr=True)
for number in range(2_000):
    lines.write("info", f"{number} " + "x" * 200)
"""


def test_a_reader_of_stderr_that_has_stopped_reading_holds_nobody_up(tmp_path: Path) -> None:
    readable, writable = os.pipe()
    done = subprocess.run([sys.executable, "-c", TALK, str(tmp_path)], stderr=writable, check=False)
    os.close(writable)
    os.close(readable)
    assert done.returncode == 0
    assert len((tmp_path / LOG_NAME).read_text().splitlines()) == 2_000


def test_a_text_of_several_lines_and_of_no_encoding_is_one_line(tmp_path: Path) -> None:
    lines = LineLog(tmp_path, "desk", to_stderr=False)
    lines.write("warning", "one\ntwo \udcff")
    lines.close()
    (line,) = (tmp_path / LOG_NAME).read_text(encoding="utf-8").splitlines()
    assert line.endswith("WARNING desk             one ⏎ two \\udcff")


def test_a_log_that_has_grown_long_is_moved_aside_and_whoever_writes_follows(
    tmp_path: Path,
) -> None:
    one, other = (LineLog(tmp_path, role, to_stderr=False) for role in ("desk", "strategy"))
    one.write("info", "before")
    with (tmp_path / LOG_NAME).open("ab") as file:
        file.truncate(ROTATE_AT_BYTES + 1)
    rotate(tmp_path)
    for lines in (one, other):
        lines.write("info", "after")
        lines.close()
    assert (tmp_path / LOG_NAME).read_text().count("after\n") == 2
    assert b"before\n" in (tmp_path / f"{LOG_NAME}.1").read_bytes()
