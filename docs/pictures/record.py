"""Make docs/pictures/kill.svg again: a kill in the demo, the event, serving again.

Needs tmux and npx (Node), which the project itself does not. Run it from the repository:

    .venv/bin/python docs/pictures/record.py

The screens are taken out of tmux a few times a second and written as asciinema's format v2
(https://docs.asciinema.org/manual/asciicast/v2/); svg-term-cli draws them.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from understudy.data_dir.ownership import holder_of

COLUMNS, ROWS, SHELL_ROWS = 112, 46, 9
FRAME_S = 0.4
PAUSE_MOST_S = 1.2
"""A longer time without a change is shown as so long."""
SVG_TERM = "svg-term-cli@2.1.1"
HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent


class Stage:
    """A tmux server of its own, with the demo above and a shell below."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._socket = f"understudy-recording-{os.getpid()}"
        self._began_at = 0.0
        self._frames: list[tuple[float, str]] = []

    def tmux(self, *words: str) -> str:
        """Give tmux one command; returns what it prints."""
        command = ["tmux", "-L", self._socket, "-f", "/dev/null", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def open(self) -> None:
        """Start the demo and the shell."""
        binaries = Path(sys.executable).parent
        path = f"{binaries}:{os.environ['PATH']}"
        shell = "PS1='$ ' exec bash --norc --noprofile"
        inside = f"cd {shlex.quote(str(self._directory))} && export PATH={shlex.quote(path)} && "
        run = "understudy run --demo --speed 5 --data-dir demo"
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        self.tmux("new-session", "-d", "-s", "stage", *size, f"{inside}{run}; {shell}")
        self.tmux("set", "-g", "status", "off")
        self.tmux("split-window", "-v", "-l", str(SHELL_ROWS), "-t", "stage", f"{inside}{shell}")

    def close(self) -> None:
        """End everything in it."""
        self.tmux("kill-server")
        while holder_of(self._directory / "demo") is not None:  # it ends its orders first
            time.sleep(0.2)

    def screen(self) -> str:
        """Both panes with their colours, the shell below a line."""
        panes = [
            self.tmux("capture-pane", "-p", "-e", "-t", f"stage.{number}").rstrip("\n").split("\n")
            for number in (0, 1)
        ]
        upper_rows = ROWS - SHELL_ROWS - 1
        upper = [*panes[0], *[""] * upper_rows][:upper_rows]
        lines = [*upper, f"\x1b[0;2m{'─' * COLUMNS}\x1b[0m", *panes[1]]
        return "\x1b[0m\x1b[H\x1b[2J" + "\r\n".join(f"{line}\x1b[0m" for line in lines)

    def film(self, seconds: float) -> None:
        """Take pictures for so long."""
        self._began_at = self._began_at or time.monotonic()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._frames.append((time.monotonic() - self._began_at, self.screen()))
            time.sleep(FRAME_S)

    def type(self, text: str, seconds: float) -> None:
        """Type a line into the shell, and film what follows."""
        for start in range(0, len(text), 4):
            self.tmux("send-keys", "-t", "stage.1", "-l", "--", text[start : start + 4])
            self.film(0.1)
        self.tmux("send-keys", "-t", "stage.1", "Enter")
        self.film(seconds)

    def until(self, words: str, pane: int = 0, limit_s: float = 600.0) -> None:
        """Wait, without filming, until something is on the screen."""
        until = time.monotonic() + limit_s
        while words not in self.tmux("capture-pane", "-p", "-t", f"stage.{pane}"):
            if time.monotonic() > until:
                raise TimeoutError(f"never on the screen: {words}")
            time.sleep(0.2)

    def pid_of(self, role: str) -> str:
        """The process in which an actor lives."""
        command = ["understudy", "ps", "--json", "--data-dir", str(self._directory / "demo")]
        binary = str(Path(sys.executable).parent / command[0])
        told = subprocess.run([binary, *command[1:]], check=True, capture_output=True, text=True)
        (row,) = [row for row in json.loads(told.stdout)["children"] if row["role"] == role]
        return str(row["pid"])

    def cast(self) -> str:
        """What was filmed, without the time in which nothing changed."""
        header = {"version": 2, "width": COLUMNS, "height": ROWS, "title": "understudy"}
        lines = [json.dumps(header)]
        at_s, before_s, shown = 0.0, 0.0, ""
        for taken_s, screen in self._frames:
            at_s += min(PAUSE_MOST_S, taken_s - before_s)
            before_s = taken_s
            if screen != shown:
                lines.append(json.dumps([round(at_s, 2), "o", screen]))
                shown = screen
        lines.append(json.dumps([round(at_s + 3.0, 2), "o", ""]))
        return "\n".join(lines) + "\n"


def play(stage: Stage) -> None:
    """The scene: an actor is killed while it trades, and its successor serves at once."""
    stage.until("filled")
    stage.film(2.0)
    stage.type("understudy ps --data-dir demo | grep market-state", 2.0)
    stage.type("kill -9 " + stage.pid_of("market-state"), 5.0)
    stage.type("clear; understudy explain --data-dir demo order_1 | head -7", 4.0)
    stage.type("clear; understudy drill --kills 6 2>/dev/null | tail -6", 1.0)
    stage.until("nothing lost", pane=1)
    stage.film(4.0)


def main() -> None:
    """Record, and draw."""
    if shutil.which("tmux") is None or shutil.which("npx") is None:
        sys.exit("tmux and npx are needed to record")
    with tempfile.TemporaryDirectory() as directory:
        stage = Stage(Path(directory))
        stage.open()
        try:
            play(stage)
        finally:
            stage.close()
    with tempfile.TemporaryDirectory() as directory:
        cast = Path(directory) / "kill.cast"
        cast.write_text(stage.cast(), encoding="utf-8")
        words = ["npx", "--yes", SVG_TERM, "--in", str(cast), "--out", str(HERE / "kill.svg")]
        # svg-term reads stdin to its end if there is one
        subprocess.run([*words, "--window", "--no-cursor"], check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
