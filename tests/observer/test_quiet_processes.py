"""Ledger, directory and observer in their processes, each with the right port."""

from __future__ import annotations

from pathlib import Path

from nouns import a_market
from recording import ProcessStage

from actors.directory.port import HttpPort
from actors.messages.directory import MarketOpened
from actors.messages.observer import GetView, View
from actors.messages.position import PositionSnapshot
from actors.roles import DESK, DIRECTORY, OBSERVER, POSITION, STRATEGY
from actors.settings import Settings, VenueSettings
from understudy.composition import ACTORS

OPENED = MarketOpened(
    market=a_market(900_000, market_id="m1", yes_token="up", no_token="down"),
    strike=None,
)


def test_the_ledger_finds_its_position_in_the_journal_of_the_process_before(
    tmp_path: Path,
) -> None:
    first = ProcessStage(tmp_path, {POSITION: ACTORS[POSITION]})
    first.boot(STRATEGY, DESK, OBSERVER, DIRECTORY)
    first.say(DIRECTORY, OPENED)
    said = [each for each in first.sent_to(STRATEGY) if isinstance(each, PositionSnapshot)]
    assert len(said) == 1
    second = ProcessStage(tmp_path, {POSITION: ACTORS[POSITION]})
    second.boot(STRATEGY, DESK, OBSERVER, DIRECTORY)
    assert said[0] in second.sent_to(STRATEGY)


def test_the_observer_answers_whoever_asked(tmp_path: Path) -> None:
    stage = ProcessStage(tmp_path, {OBSERVER: ACTORS[OBSERVER]})
    stage.boot()
    stage.say("foreground", GetView(3))
    assert [each.request_id for each in stage.sent_to("foreground") if isinstance(each, View)] == [
        3
    ]


def test_the_directory_asks_over_http(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    settings = Settings(venue=VenueSettings(gamma_url=nowhere, clob_url=nowhere))
    stage = ProcessStage(tmp_path, {DIRECTORY: ACTORS[DIRECTORY]}, settings)
    stage.boot()
    try:
        assert isinstance(stage.port, HttpPort)
    finally:
        stage.group.end()
