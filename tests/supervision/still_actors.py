"""Supervised actors in real processes that do nothing, for tests of how they are kept."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from thespian.actors import Actor

from actors.core import Core, Effects, handles
from actors.messages.lifecycle import Started
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.clock import ClockSpec
from actors.runtime.journal_file import prepare
from actors.runtime.process import ActorProcess
from actors.settings import Settings
from actors.supervision.messages import ChildReport, ProcessSpec, SupervisorBoot
from understudy.drill.processes import wait_for
from understudy.processes.tree import ActorTree, prepare_to_fork

REPOSITORY = Path(__file__).parents[2]
LIMIT_S = 60.0
"""For any one condition."""

Found = TypeVar("Found")


def said_by(program: str, *arguments: str) -> str:
    """What a program of this folder, run to its end, has printed."""
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(program)), *arguments],
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout


class StillCore(Core):
    @handles(Started)
    def start(self, _message: Started, _now_ms: int) -> Effects:
        return []


def tree_of(
    data_dir: Path,
    *processes: ProcessSpec,
    settings: Settings | None = None,
    process_class: type[Actor] = ActorProcess,
    actors: Mapping[str, ActorSpec] | None = None,
    order: ActorSpec | None = None,
) -> ActorTree:
    """Start a supervisor with these processes; it runs until the tree is told to end.

    Actors do nothing, unless they are given; orders live in the first process.
    """
    prepare(data_dir)
    prepare_to_fork()
    still = ActorSpec(core=StillCore)
    return ActorTree(
        SupervisorBoot(
            settings=settings or Settings(),
            clock=ClockSpec.starting_now(),
            data_dir=str(data_dir),
            log_to_stderr=False,
            seed=1,
            processes=processes,
            orders_in=processes[0].name,
            actors=actors or {role: still for process in processes for role in process.roles},
            order=order or still,
            process_class=process_class,
        )
    )


def wait_until(
    tree: ActorTree, look: Callable[[dict[str, ChildReport]], Found | None]
) -> Found | None:
    """Look at all children, by role, until that finds something; None if it never does."""

    def looked() -> Found | None:
        report = tree.ask_children(patience_s=1.0)
        return look({each.role: each for each in report.children}) if report is not None else None

    return wait_for(looked, LIMIT_S)
