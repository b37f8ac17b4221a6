"""What a process's ports received is handed to the recorder, after everything else."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from recording import ProcessStage
from thespian.actors import WakeupMessage, WatchMessage

from actors.core import Core, Effects, Send, handles
from actors.feeds.connection import FramesReceived
from actors.messages.lifecycle import Started
from actors.messages.recorder import Capture, CapturedFrames
from actors.recorder.capturing import capture_market
from actors.roles import MARKET_FEED, MARKET_STATE, RECORDER
from actors.runtime.actor_spec import ActorSpec
from actors.settings import RecordingSettings, Settings

RECORDED = attrs.evolve(Settings(), recording=RecordingSettings(enabled=True))
FRAMES = FramesReceived(1, ((b'{"a":1}', 5),))


class TellingFeed(Core):
    """Tells market state of what it hears."""

    @handles(Started)
    def start(self, _message: Started, _now_ms: int) -> Effects:
        return []

    @handles(FramesReceived)
    def tell(self, _event: FramesReceived, _now_ms: int) -> Effects:
        return [Send(MARKET_STATE, "a tick")]


class FullPort:
    """Has the same frames each time it is asked."""

    def fileno(self) -> int:
        return 0

    def drain(self) -> list[object]:
        return [FRAMES]

    def perform(self, command: object) -> None:
        raise AssertionError(command)

    def close(self) -> None:
        return


def make_port(*_given: object) -> FullPort:
    return FullPort()


def stage_of(tmp_path: Path, settings: Settings) -> ProcessStage:
    spec = ActorSpec(core=TellingFeed, make_port=make_port, capture=capture_market)
    stage = ProcessStage(tmp_path, {MARKET_FEED: spec}, settings)
    stage.boot(MARKET_STATE, RECORDER)
    return stage


def test_frames_are_handed_over_with_the_timer_and_the_tick_leaves_first(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, RECORDED)
    for _ in range(2):
        stage.process.receiveMessage(WatchMessage([0]), None)
    assert stage.sent_to(MARKET_STATE) == ["a tick", "a tick"]
    assert stage.sent_to(RECORDER) == []

    while not stage.sent_to(RECORDER):
        stage.process.receiveMessage(WakeupMessage(0), None)

    frames = CapturedFrames("market", "#1", FRAMES.frames)
    assert stage.sent_to(RECORDER) == [Capture((frames, frames))]


def test_a_run_that_is_not_recorded_keeps_nothing(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, Settings())
    stage.process.receiveMessage(WatchMessage([0]), None)

    assert stage.process._outside is not None
    assert not stage.process._outside.captured


def test_much_is_handed_over_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.runtime.capture.CAPTURE_BYTES_MAX", 3)
    stage = stage_of(tmp_path, RECORDED)
    stage.process.receiveMessage(WatchMessage([0]), None)

    assert len(stage.sent_to(RECORDER)) == 1
