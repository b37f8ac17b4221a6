"""Run as a program: a ledger in a real process is told what it falls on, or what hangs it.

Prints what `understudy ps` would show of it once it serves again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from crash_scenes import BAD_FILL, HANGING
from still_actors import tree_of, wait_until

from actors.core import Core, Effects, Send, SetTimer, handles
from actors.messages.lifecycle import Started, TimerFired
from actors.position.core import PositionCore
from actors.roles import POSITION, STRATEGY
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.crash_file import crash_files
from actors.settings import Settings, SupervisionSettings
from actors.supervision.messages import ChildReport, ChildState, ProcessSpec

WORDS = {"raises": BAD_FILL, "hangs": HANGING}


class MeanCore(Core):
    """Says a word to the ledger once, when it is surely there."""

    @handles(Started)
    def start(self, _message: Started, _now_ms: int) -> Effects:
        return [SetTimer("say", 700)]

    @handles(TimerFired)
    def say(self, _message: TimerFired, _now_ms: int) -> Effects:
        return [Send(POSITION, WORDS[sys.argv[2]])]


def main() -> None:
    data_dir = Path(sys.argv[1])

    def fallen(children: dict[str, ChildReport]) -> ChildReport | None:
        row = children.get(POSITION)
        is_back = row is not None and row.restarts and row.state is ChildState.SERVING
        return row if is_back else None

    processes = [ProcessSpec(name=role, roles=(role,)) for role in (POSITION, STRATEGY)]
    actors = {POSITION: ActorSpec(core=PositionCore), STRATEGY: ActorSpec(core=MeanCore)}
    quickly = Settings(supervision=SupervisionSettings(heartbeat_limit_ms=1_000))
    tree = tree_of(data_dir, *processes, settings=quickly, actors=actors)
    try:
        row = wait_until(tree, fallen)
    finally:
        tree.end("the test is over")
    outcome = {
        "restarts": row.restarts if row is not None else 0,
        "files": [str(path) for path in crash_files(data_dir)],
    }
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    main()
