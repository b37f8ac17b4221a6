from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from actors.runtime import urgency
from actors.runtime.urgency import NotAllowed, run_first, why_not_allowed

_REFUSAL = why_not_allowed()
needs_permission = pytest.mark.skipif(bool(_REFUSAL), reason=f"this host: {_REFUSAL}")

_SAY_POLICIES = """
import json, os, threading
from actors.runtime.urgency import run_first

before = os.sched_getscheduler(0)
run_first()
of_threads = []
thread = threading.Thread(target=lambda: of_threads.append(os.sched_getscheduler(0)))
thread.start()
thread.join()
print(json.dumps([before, os.sched_getscheduler(0), *of_threads]))
"""

_RUN_AWAY = """
from actors.runtime.urgency import run_first

run_first(runaway_limit_s=1)
while True:
    pass
"""


def ended(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, which is not to be urgent itself."""
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )


def refuse(*_arguments: object) -> None:
    raise PermissionError(1, "Operation not permitted")


@needs_permission
def test_a_process_that_runs_first_and_its_threads_do_so_from_then_on() -> None:
    done = ended(_SAY_POLICIES)
    assert json.loads(done.stdout) == [os.SCHED_OTHER, os.SCHED_RR, os.SCHED_RR], done.stderr


@needs_permission
def test_one_that_computes_without_end_is_ended_by_the_kernel() -> None:
    assert ended(_RUN_AWAY).returncode == -signal.SIGKILL


def test_a_refusal_is_said_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with pytest.raises(NotAllowed, match="SCHED_RR is refused: Operation not permitted"):
        run_first()
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    assert why_not_allowed() == "SCHED_RR is refused: Operation not permitted"


def test_another_system_has_no_such_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urgency.sys, "platform", "darwin")
    assert why_not_allowed() == "darwin has no SCHED_RR"


def test_asking_leaves_the_one_who_asks_as_it_was() -> None:
    threads = threading.active_count()
    why_not_allowed()
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    assert threading.active_count() == threads
