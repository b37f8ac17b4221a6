"""Puts the stages of other folders on the import path, and runs the exchanges that misbehave."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
for folder in (
    "execution",
    "execution/real",
    "directory",
    "feeds",
    "strategy",
    "supervision",
    "runtime",
    "system",
    "understudy",
):
    sys.path.append(str(TESTS / folder))

from fault_stage import FaultStage, LivelyExchange  # noqa: E402 # found by the lines above
from live_onlookers import LiveExchange, live_exchange  # noqa: E402 # as above
from live_stage import RunningExchange  # noqa: E402 # as above
from tls_context import one_tls_context  # noqa: E402 # as above

__all__ = ["one_tls_context"]


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        yield running


@pytest.fixture
def stage(exchange: RunningExchange) -> Iterator[FaultStage]:
    """A system of its own, with a wallet of its own, on an exchange where nothing is wrong."""
    with FaultStage(exchange) as running:
        yield running


@pytest.fixture
def lively() -> Iterator[LivelyExchange]:
    """An exchange for one test: the traded window must not end during it."""
    with LivelyExchange() as running:
        yield running


@pytest.fixture
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveExchange]:
    """An exchange for runs that are ended while orders are out, each with its own."""
    yield from live_exchange(tmp_path_factory.mktemp("exchange"))
