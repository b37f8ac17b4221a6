"""One local exchange for the tests of a module, and systems on it that leave no process behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from onlookers import RATE, Onlooker

from understudy.drill.stage import SETTINGS, drill_stage, run_options
from understudy.drill.system import DrilledSystem
from understudy.settings.options import DrillStage

SEED = 5

NewSystem = Callable[..., Onlooker]


@pytest.fixture(scope="module")  # each worker would keep its own one busy to the end otherwise
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrillStage]:
    with drill_stage(tmp_path_factory.mktemp("stage"), SEED, rate=RATE) as stage:
        yield stage


@pytest.fixture(scope="module")
def trading(stage: DrillStage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onlooker]:
    """A system that serves and trades, shared by the tests of a module."""
    onlooker = Onlooker(DrilledSystem(tmp_path_factory.mktemp("system"), run_options(stage, SEED)))
    yield from _cared_for(onlooker)


@pytest.fixture
def new_system(stage: DrillStage, tmp_path: Path) -> Iterator[NewSystem]:
    """Start systems of a test's own, with settings on top of the drill's; all on one directory."""
    started: list[Onlooker] = []

    def start(*settings: str, on: DrillStage = stage) -> Onlooker:
        options = run_options(on, SEED, (*SETTINGS, *settings))
        onlooker = Onlooker(DrilledSystem(tmp_path, options))
        started.append(onlooker)
        onlooker.system.start()
        return onlooker

    yield start
    for onlooker in started:
        _end(onlooker)


def _cared_for(onlooker: Onlooker) -> Iterator[Onlooker]:
    onlooker.system.start()
    yield onlooker
    _end(onlooker)


def _end(onlooker: Onlooker) -> None:
    onlooker.system.kill_all()
    assert onlooker.system.outliving() == frozenset()
