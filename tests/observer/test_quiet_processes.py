"""Ledger, directory and observer in their processes, each with the right port."""

from __future__ import annotations

from pathlib import Path

from recording import ProcessStage

from actors.directory.port import HttpPort
from actors.messages.directory import MarketOpened
from actors.messages.observer import GetView, View
from actors.messages.position import PositionSnapshot
from actors.model import Market
from actors.roles import DESK, DIRECTORY, OBSERVER, POSITION, STRATEGY
from actors.settings import Settings, VenueSettings
from understudy.composition import ACTORS

OPENED = MarketOpened(
    market=Market(
        market_id="m1",
        slug="btc-updown-15m-900",
        yes_token="up",
        no_token="down",
        opens_at_ms=900_000,
        closes_at_ms=1_800_000,
        tick_size_ticks=10,
        minimum_size_units=5_000_000,
        minimum_notional_nanos=1_000_000_000,
        fee_rate_bps=700,
        twap_window_s=60,
    ),
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
