"""A tree whose actor system does not start at once, without any process."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from scenes import run_options
from thespian.actors import InvalidActorAddress

from actors.runtime.clock import ClockSpec
from actors.runtime.journal_file import prepare
from actors.settings import Settings, SupervisionSettings
from understudy.composition import supervisor_boot
from understudy.data_dir.last_run import read_run
from understudy.processes import tree
from understudy.processes.end_signals import EndSignals
from understudy.processes.exit_codes import ExitCode
from understudy.processes.tree import TreeFailed, start_tree
from understudy.running import foreground
from understudy.running.foreground import _Foreground

SLOW = InvalidActorAddress("an address", "not a valid ActorSystem admin")
NOW_MS = 1_780_000_000_000


class System:
    """An actor system that has started."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def createActor(self, kind: type) -> str:  # noqa: N802 # the name is Thespian's
        return kind.__name__

    def tell(self, _address: object, message: object) -> None:
        self.told.append(message)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Exception | System]:
    """What each start comes to; the last one again and again."""
    comes: list[Exception | System] = []

    def start(_sockets: object) -> System:
        come = comes.pop(0) if len(comes) > 1 else comes[0]
        if isinstance(come, Exception):
            raise come
        return come

    monkeypatch.setattr(tree, "system_over", start)
    monkeypatch.setattr(tree, "_START_PAUSE_FIRST_S", 0.0)
    return comes


def boot_in(data_dir: Path, **limits: Any) -> Any:
    data_dir.chmod(0o700)
    settings = Settings(supervision=SupervisionSettings(**limits))
    return supervisor_boot(
        settings, ClockSpec.starting_now(NOW_MS), data_dir, seed=1, log_to_stderr=False
    )


@pytest.mark.parametrize("failure", [SLOW, OSError(errno.EAGAIN, "no process now")])
def test_a_start_that_fails_is_noted_and_tried_again(
    tmp_path: Path, started: list[Exception | System], failure: Exception
) -> None:
    well, noted, boot = System(), list[str](), boot_in(tmp_path)
    started += [failure, failure, well]
    assert start_tree(boot, 5, noted.append).last_report is None
    assert well.told == [boot]
    assert len(noted) == 2
    assert "the actor system did not start" in noted[0]


@pytest.mark.parametrize(("retries", "tried"), [(0, 1), (2, 3), (1_000, 6)])
def test_a_limit_of_starts_ends_it_with_a_sentence(
    tmp_path: Path, started: list[Exception | System], retries: int, tried: int
) -> None:
    started.append(SLOW)
    with pytest.raises(TreeFailed, match=rf"did not start: .* \(tries: {tried}\)"):
        start_tree(boot_in(tmp_path), retries)


def test_a_failure_that_stays_is_not_tried_again(
    tmp_path: Path, started: list[Exception | System]
) -> None:
    noted: list[str] = []
    started.append(OSError(errno.EOPNOTSUPP, "no sockets here"))
    with pytest.raises(TreeFailed, match="no sockets here"):
        start_tree(boot_in(tmp_path), 5, noted.append)
    assert noted == []


def test_what_a_failed_start_has_left_is_ended_before_the_next(
    tmp_path: Path, started: list[Exception | System], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([{1}, {1, 77}, {1}, {1, 78}])
    monkeypatch.setattr(tree, "children_of_this", lambda: next(looks))
    alive, killed = {77}, []

    def kill(pid: int, _signal: int) -> None:
        alive.discard(pid)
        killed.append(pid)

    monkeypatch.setattr(tree, "_is_alive", lambda pid: pid in alive)
    monkeypatch.setattr(tree.os, "kill", kill)
    started += [SLOW, System()]
    start_tree(boot_in(tmp_path), 1)
    assert killed == [77]


def test_a_run_whose_rebuilt_tree_never_starts_ends_with_that_sentence(
    tmp_path: Path, started: list[Exception | System], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fallen:
        def ask_children(self, _patience_s: float) -> None:
            return None

        def dead_process(self) -> str:
            return "admin"

        def kill(self) -> None:
            return None

        def end(self, _reason: str) -> None:
            return None

    prepare(tmp_path)
    starts = iter([Fallen()])
    monkeypatch.setattr(
        foreground, "start_tree", lambda *given: next(starts, None) or start_tree(*given)
    )
    started.append(SLOW)
    clock = ClockSpec.starting_now(NOW_MS)
    run = _Foreground(run_options(tmp_path), Settings(), clock, EndSignals(), str)
    assert run.run_until_done() == ExitCode.GAVE_UP
    last = read_run(tmp_path)
    assert last is not None
    assert "the actor system did not start" in last.reason
    assert "(tries: 6)" in last.reason
    log = (tmp_path / "understudy.log").read_text()
    assert log.count("it is started again in") == 5
    assert "Traceback" not in log
