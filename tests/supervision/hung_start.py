"""Run as a program: a supervisor whose only child hangs before its first word; prints the outcome.

The child's process "stands still", as if stopped by a debugger or a dead file system, or it
"computes" without end, and is an urgent one that nobody may interrupt: either way it answers
nothing, and no request to exit reaches it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from still_actors import tree_of, wait_until
from thespian.actors import ActorAddress, ThespianWatch

from actors.runtime.messages import Boot
from actors.runtime.process import ActorProcess
from actors.settings import Settings, SupervisionSettings
from actors.supervision import child as supervised_child
from actors.supervision.messages import ChildReport, ChildState, ProcessSpec

ROLE = "strategy"
HUNG_NAME = "hung.pid"


class HangsAtFirst(ActorProcess):
    def receiveMessage(self, msg: object, sender: ActorAddress) -> ThespianWatch | None:  # noqa: N802 # Thespian's
        if isinstance(msg, Boot) and msg.process == ROLE:
            note = Path(msg.data_dir) / HUNG_NAME
            if not note.exists():
                note.write_text(str(os.getpid()))
                if msg.is_urgent:
                    self._run_first()
                    while True:
                        continue
                os.kill(os.getpid(), signal.SIGSTOP)
        return super().receiveMessage(msg, sender)


def serving(children: dict[str, ChildReport]) -> ChildReport | None:
    """The child, once it serves."""
    row = children.get(ROLE)
    return row if row is not None and row.state is ChildState.SERVING else None


def main() -> None:
    data_dir, how = Path(sys.argv[1]), sys.argv[2]
    child = ProcessSpec(name=ROLE, roles=(ROLE,), is_urgent=how == "computes")
    supervised_child._STARTING_EXTRA_MS = 1_000  # five seconds of a whole processor otherwise
    quickly = Settings(supervision=SupervisionSettings(heartbeat_limit_ms=1_000))
    tree = tree_of(data_dir, child, settings=quickly, process_class=HangsAtFirst)
    try:
        row = wait_until(tree, serving)
    finally:
        tree.end("the test is over")
    hung_pid = int((data_dir / HUNG_NAME).read_text())
    outcome = {
        "state": row.state.value if row is not None else "",
        "restarts": row.restarts if row is not None else 0,
        "is_another": row is not None and row.pid != hung_pid,
        "is_hung_left": Path(f"/proc/{hung_pid}").exists(),
    }
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    main()
