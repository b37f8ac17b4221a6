from __future__ import annotations

import json

import pytest
from core_stage import CoreStage
from nouns import a_market

from actors.core import Command
from actors.feeds.connection import Connected, Disconnected, FramesReceived
from actors.messages.directory import HttpAnswered, MarketClosing, MarketOpened, MarketResolved
from actors.messages.recorder import (
    BeginRecording,
    Capture,
    CapturedAnswer,
    CapturedClosing,
    CapturedFrames,
    CapturedOpening,
    EndRecording,
    KeepCapture,
    RecordingFailed,
    RecordingGoesOn,
)
from actors.model import Market, Side, Strike
from actors.recorder.capturing import (
    capture_answers,
    capture_market,
    capture_prices,
    capture_user,
    redacted,
)
from actors.recorder.core import RESULT_LIMIT_MS, RecorderCore
from actors.roles import RECORDER
from actors.runtime.capture import CAPTURE_BYTES_MAX, CaptureBuffer

START_MS = 1_776_329_400_000
SECRET = "f1e2d3c4-owner"


def market(number: int = 0) -> Market:
    start_ms = START_MS + number * 300_000
    return a_market(start_ms, 5, market_id=f"0x{number}", yes_token="71", no_token="72")


STRIKE = Strike(price_e18=90 * 10**18, source="polybolt", timestamp_ms=START_MS)


def resolved(winner: Side) -> MarketResolved:
    return MarketResolved(
        market=market(), winner=winner, strike_e18=None, close_e18=None, evidence="Gamma"
    )


@pytest.fixture
def stage() -> CoreStage:
    stage = CoreStage(RecorderCore, RECORDER, now_ms=START_MS)
    stage.start()
    return stage


def commands(stage: CoreStage, message: object) -> list[object]:
    return [each.command for each in stage.give(message) if isinstance(each, Command)]


def test_a_window_is_begun_once_and_again_only_with_another_strike(stage: CoreStage) -> None:
    opened = MarketOpened(market=market(), strike=None)
    proven = MarketOpened(market=market(), strike=STRIKE)

    assert commands(stage, opened) == [BeginRecording(market=market(), strike=None)]
    assert commands(stage, opened) == []
    assert commands(stage, proven) == [BeginRecording(market=market(), strike=STRIKE)]
    assert commands(stage, proven) == []


def test_a_result_ends_a_recording_and_one_taken_back_corrects_it(stage: CoreStage) -> None:
    commands(stage, MarketOpened(market=market(), strike=STRIKE))
    assert commands(stage, MarketClosing("0x0")) == []

    first, second = resolved(Side.YES), resolved(Side.NO)
    assert commands(stage, first) == [EndRecording(market(), first)]
    assert commands(stage, first) == []
    assert commands(stage, second) == [EndRecording(market(), second)]
    assert commands(stage, MarketOpened(market=market(), strike=STRIKE)) == []


def test_a_window_without_a_result_is_ended_in_the_end(stage: CoreStage) -> None:
    stage.give(MarketOpened(market=market(), strike=STRIKE))
    stage.advance(START_MS + 300_000 + RESULT_LIMIT_MS - 1)
    assert stage.commands == [BeginRecording(market=market(), strike=STRIKE)]
    stage.advance(START_MS + 300_000 + RESULT_LIMIT_MS)
    assert stage.commands[1:] == [EndRecording(market(), None)]


def test_trouble_is_said_once_and_what_could_not_be_begun_is_begun_again(
    stage: CoreStage,
) -> None:
    opened = MarketOpened(market=market(), strike=None)
    commands(stage, opened)
    stage.give(RecordingFailed("the disk is full"))
    stage.give(RecordingFailed("the disk is full"))

    assert [log.level for log in stage.logs] == ["error"]
    assert not stage.core.is_serving
    assert commands(stage, opened) == [BeginRecording(market=market(), strike=None)]
    stage.give(RecordingGoesOn())
    stage.give(RecordingGoesOn())
    assert stage.core.is_serving
    assert [log.level for log in stage.logs] == ["error", "info"]


def test_what_was_captured_goes_to_the_files_as_it_came(stage: CoreStage) -> None:
    capture = Capture((CapturedFrames("market", "#1", ((b"{}", 1),)),))
    assert commands(stage, capture) == [KeepCapture(capture)]


# What is captured


def test_frames_and_connections_are_captured_and_pongs_are_not() -> None:
    frames = FramesReceived(3, ((b"PONG", 1), (b'{"a":1}', 2), (b"", 3)))

    assert capture_market(frames, 9) == CapturedFrames("market", "#3", ((b'{"a":1}', 2),))
    assert capture_market(FramesReceived(3, ((b"PONG", 1),)), 9) is None
    assert capture_market(Connected(3), 9) == CapturedOpening("market", "#3", 9)
    assert capture_market(Disconnected(3, "gone"), 9) == CapturedClosing("market", "#3", "gone", 9)
    assert capture_market(object(), 9) is None


def test_price_services_are_told_apart_by_their_connections() -> None:
    frames = FramesReceived(1, ((b"{}", 2),), "polybolt-2")

    assert capture_prices(frames, 9) == CapturedFrames("polybolt", "polybolt-2#1", ((b"{}", 2),))
    assert capture_prices(object(), 9) is None


@pytest.mark.parametrize(
    ("request_id", "channel"),
    [
        ("time@1", "clob"),
        ("fee/300@1", "clob"),
        ("site/0x1@1", "website"),
        ("find/300@1", "gamma"),
        ("poll/0x1@1", "gamma"),
    ],
)
def test_answers_are_captured_by_whom_they_are_from(request_id: str, channel: str) -> None:
    answered = HttpAnswered(request_id, 200, b"{}", url="https://there/x", arrived_ns=5)

    assert capture_answers(answered, 9) == CapturedAnswer(
        channel=channel, url="https://there/x", status=200, body=b"{}", arrived_ns=5
    )


def test_nothing_secret_of_the_user_channel_is_captured() -> None:
    trade = {
        "event_type": "trade",
        "id": "28c4",
        "owner": SECRET,
        "trade_owner": SECRET,
        "maker_orders": [{"order_id": "0xff", "owner": SECRET, "maker_address": SECRET}],
        "auth": {"apiKey": SECRET, "secret": SECRET, "passphrase": SECRET},
        "price": "0.57",
    }
    raw = json.dumps([trade]).encode()
    frames = FramesReceived(1, ((raw, 2), (f"not JSON {SECRET}".encode(), 3)))

    captured = capture_user(frames, 9)

    assert isinstance(captured, CapturedFrames)
    assert captured.is_redacted
    assert SECRET.encode() not in repr(captured).encode()
    kept = json.loads(captured.frames[0][0])
    assert kept == [
        {
            "event_type": "trade",
            "id": "28c4",
            "maker_orders": [{"order_id": "0xff"}],
            "price": "0.57",
        }
    ]
    assert redacted(b"\xff") == b""


def test_what_was_captured_is_handed_over_at_once_when_it_is_much() -> None:
    buffer = CaptureBuffer()
    small = CapturedFrames("market", "#1", ((b"{}", 1),))
    large = CapturedFrames("market", "#1", ((bytes(CAPTURE_BYTES_MAX), 1),))

    assert buffer.take() is None
    assert not buffer.add([small])
    assert buffer.add([large])
    assert buffer.take() == Capture((small, large))
    assert not buffer
