"""Which frame goes into which window's file, and what its notes and tail say."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from recording_builders import OPENS_AT_MS
from session_stage import SessionStage, machine_ns, market, resolved, strike

from actors.execution.real.messages import SubscribeUser
from actors.feeds.connection import FramesReceived
from actors.feeds.polybolt import Authenticate
from actors.messages.recorder import CapturedClosing
from actors.model import Market, Side
from actors.recorder.capturing import capture_prices, capture_user
from research.recordings import RecordedChannel, Recording, open_recording
from research.recordings.writer import RecordingWriter

FIRST, SECOND = market(0), market(1)


@pytest.fixture
def stage(tmp_path: Path) -> SessionStage:
    return SessionStage(tmp_path)


def payloads(recording: Recording, channel: RecordedChannel = RecordedChannel.MARKET) -> list[str]:
    return [each.payload.decode() for each in recording.frames() if each.channel == channel]


def recorded(stage: SessionStage, of: Market) -> Recording:
    stage.session.flush()
    return open_recording(stage.path(of))


def test_a_window_is_described_by_its_head(stage: SessionStage) -> None:
    stage.session.begin(FIRST, None)

    head = recorded(stage, FIRST).head

    assert head.series == "btc-5m"
    assert head.clock_offset_ms == 12
    assert head.market.slug == FIRST.slug
    assert head.market.fee_rate_bps == 700


def test_each_frame_goes_to_the_window_that_it_is_about(stage: SessionStage) -> None:
    stage.session.begin(FIRST, None)
    stage.session.begin(SECOND, None)
    first, second = stage.book(100, FIRST), stage.book(101, SECOND)
    stage.frames(102, "market", '{"market":"0xother"}', '{"hello":1}')

    assert payloads(recorded(stage, FIRST)) == [first, '{"hello":1}']
    assert payloads(recorded(stage, SECOND)) == [second, '{"hello":1}']


def test_prices_go_to_every_window_of_their_underlying(stage: SessionStage) -> None:
    other = market(0, "eth")
    stage.session.begin(FIRST, None)
    stage.session.begin(other, None)
    stage.frames(100, "rtds", '{"symbol":"btc/usd"}', '{"symbol":"eth/usd"}', '{"ack":1}')

    rtds = RecordedChannel.RTDS
    assert payloads(recorded(stage, FIRST), rtds) == ['{"symbol":"btc/usd"}', '{"ack":1}']
    assert payloads(recorded(stage, other), rtds) == ['{"symbol":"eth/usd"}', '{"ack":1}']


def test_prices_and_answers_of_the_time_before_a_window_are_in_it(stage: SessionStage) -> None:
    stage.frames(-100_000, "rtds", "too old")
    stage.frames(-60_000, "rtds", "a minute before")
    stage.answer(-30_000, "gamma", f"https://gamma/markets/slug/{FIRST.slug}", '{"a":1}')
    stage.answer(-29_000, "gamma", f"https://gamma/markets/slug/{SECOND.slug}")
    stage.now_ms = 500
    stage.session.begin(FIRST, None)

    recording = recorded(stage, FIRST)

    assert payloads(recording, RecordedChannel.RTDS) == ["a minute before"]
    (answer,) = payloads(recording, RecordedChannel.GAMMA)
    about, body = answer.split("\n")
    assert json.loads(about) == {
        "url": f"https://gamma/markets/slug/{FIRST.slug}",
        "status": 200,
    }
    assert body == '{"a":1}'
    assert [note.kind for note in recording.survey.notes] == ["opened"]
    assert next(recording.frames()).channel == RecordedChannel.NOTE


def test_after_its_end_a_window_gets_what_is_about_it_and_no_prices(stage: SessionStage) -> None:
    stage.session.begin(FIRST, None)
    stage.frames(309_000, "rtds", "soon after")
    stage.frames(311_000, "rtds", "long after")
    late = stage.book(400_000, FIRST)

    recording = recorded(stage, FIRST)

    assert payloads(recording, RecordedChannel.RTDS) == ["soon after"]
    assert payloads(recording) == [late]


def test_strike_and_result_are_in_the_tail(stage: SessionStage) -> None:
    stage.session.begin(FIRST, None)
    stage.book(1, FIRST)
    stage.session.begin(FIRST, strike())
    stage.session.begin(FIRST, strike())
    path = stage.session.end(FIRST, resolved(FIRST, Side.NO))

    recording = open_recording(stage.path(FIRST))

    tail = recording.tail
    assert path == stage.path(FIRST)
    assert tail is not None
    assert tail.strike is not None
    assert (tail.strike.price_e18, tail.strike.origin) == ("90" + "0" * 18, "tick")
    assert (tail.winner, tail.close_e18, tail.evidence) == ("NO", "91" + "0" * 18, "Gamma")
    assert (tail.frames, tail.spans["market"][0]) == ({"market": 1}, OPENS_AT_MS + 1)
    assert [note.kind for note in recording.survey.notes] == ["opened", "strike"]


def test_a_result_that_is_taken_back_corrects_the_tail(stage: SessionStage) -> None:
    stage.session.begin(FIRST, strike())
    stage.book(1, FIRST)
    stage.session.end(FIRST, resolved(FIRST, Side.NO))
    stage.session.end(FIRST, resolved(FIRST, Side.YES))

    recording = open_recording(stage.path(FIRST))
    assert recording.tail is not None
    assert recording.tail.winner == "YES"
    assert recording.tail.strike is not None
    assert recording.survey.damage == ()


def test_another_process_goes_on_with_the_same_window_and_notes_the_gap(
    stage: SessionStage,
) -> None:
    stage.session.begin(FIRST, strike())
    before = stage.book(1_000, FIRST)
    stage.session.flush()
    stage.book(1_400, FIRST)
    stage.now_ms = 3_000
    stage.another().begin(FIRST, strike())
    after = stage.book(3_100, FIRST)
    stage.session.end(FIRST, resolved(FIRST))

    recording = open_recording(stage.path(FIRST))

    assert payloads(recording) == [before, after]
    (gap,) = recording.gaps
    assert (gap.channel, gap.from_ms, gap.until_ms) == (
        "all",
        OPENS_AT_MS + 1_000,
        OPENS_AT_MS + 3_000,
    )
    assert recording.tail is not None
    assert recording.tail.frames == {"market": 2}


def test_a_result_that_comes_to_another_process_ends_the_file_of_the_one_before(
    stage: SessionStage,
) -> None:
    stage.session.begin(FIRST, strike())
    stage.book(1_000, FIRST)
    stage.session.close()
    stage.now_ms = 320_000
    stage.another().end(FIRST, resolved(FIRST))

    tail = open_recording(stage.path(FIRST)).tail
    assert tail is not None
    assert tail.winner == "YES"
    assert tail.strike is not None


def test_a_recording_that_was_ended_is_not_begun_again(stage: SessionStage) -> None:
    stage.session.begin(FIRST, strike())
    stage.session.end(FIRST, resolved(FIRST))
    before = stage.path(FIRST).read_bytes()
    stage.another().begin(FIRST, strike())
    stage.book(2_000, FIRST)
    stage.session.flush()

    assert stage.path(FIRST).read_bytes() == before


def test_a_lost_connection_and_a_silent_one_are_gaps(stage: SessionStage) -> None:
    stage.session.begin(FIRST, None)
    stage.book(1_000, FIRST)
    stage.session.keep([CapturedClosing("market", "#1", "closed by the venue", machine_ns(1_500))])
    stage.book(2_500, FIRST)
    stage.book(9_000, FIRST)
    stage.frames(1_000, "reference", "a quiet market")
    stage.frames(60_000, "reference", "is no gap")
    stage.session.end(FIRST, None)

    recording = open_recording(stage.path(FIRST))

    seen = [
        (gap.channel, gap.from_ms - OPENS_AT_MS, gap.until_ms - OPENS_AT_MS, gap.reason)
        for gap in recording.gaps
    ]
    assert seen == [
        ("market", 1_000, 2_500, "closed by the venue"),
        ("market", 2_500, 9_000, "nothing came on an open connection"),
    ]
    assert recording.survey.gaps == recording.gaps


def test_a_file_that_cannot_be_read_is_put_aside(stage: SessionStage) -> None:
    stage.path(FIRST).write_bytes(b"what is this")
    stage.session.begin(FIRST, None)
    seen = stage.book(1, FIRST)

    assert payloads(recorded(stage, FIRST)) == [seen]
    aside = stage.path(FIRST).with_name(f"{FIRST.slug}.rec.unreadable")
    assert aside.read_bytes() == b"what is this"


class FullDisk:
    """Takes some bytes and then no more, until it is emptied."""

    def __init__(self, file: Any, room: int) -> None:
        self._file = file
        self.room = room

    def write(self, data: memoryview) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = data[: self.room]
        self.room -= len(taken)
        return int(self._file.write(taken))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize("room", [0, 1, 40, 100])
def test_what_a_full_disk_refused_is_written_once_there_is_room(
    stage: SessionStage, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.session.begin(FIRST, None)
    texts = [stage.book(1, FIRST)]
    stage.session.flush()
    (window,) = stage.session._windows.values()
    writer: RecordingWriter = window.writer
    disk = FullDisk(writer._file, room)
    monkeypatch.setattr(writer, "_file", disk)
    texts.append(json.dumps({"market": FIRST.market_id, "noise": Random(1).randbytes(300).hex()}))
    stage.frames(100, "market", texts[-1])
    for _ in range(3):
        with pytest.raises(OSError, match="No space"):
            stage.session.flush()
        disk.room = room
    texts.append(stage.book(200, FIRST))
    disk.room = 10**6
    stage.session.flush()
    texts.append(stage.book(300, FIRST))
    stage.session.end(FIRST, resolved(FIRST))

    recording = open_recording(stage.path(FIRST))
    assert payloads(recording) == texts
    assert recording.survey.damage == ()
    assert recording.tail is not None


def test_what_waits_too_long_for_the_disk_is_given_up_as_a_gap(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("research.recordings.session.WAITING_BYTES_MAX", 150)
    stage.session.begin(FIRST, None)
    stage.session.flush()
    (window,) = stage.session._windows.values()
    disk = FullDisk(window.writer._file, 0)
    monkeypatch.setattr(window.writer, "_file", disk)
    for at_ms in (100, 200, 300):
        stage.book(at_ms, FIRST)
    with pytest.raises(OSError, match="No space"):
        stage.session.flush()
    disk.room = 10**6
    kept = stage.book(400, FIRST)

    recording = recorded(stage, FIRST)

    assert payloads(recording) == [kept]
    (gap,) = recording.survey.gaps
    assert (gap.from_ms - OPENS_AT_MS, gap.until_ms - OPENS_AT_MS) == (100, 300)


def test_no_secret_of_the_user_channel_or_of_a_request_is_in_a_file(stage: SessionStage) -> None:
    secret = "0f3b-the-owner-s-key"
    order = {"market": FIRST.market_id, "id": "0xab", "owner": secret, "order_owner": secret}
    sent = Authenticate("polybolt-1")
    frames = FramesReceived(1, ((json.dumps(order).encode(), machine_ns(100)),))
    stage.session.begin(FIRST, None)
    stage.session.keep(
        item
        for item in (
            capture_user(frames, 1),
            capture_prices(sent, 1),
            capture_user(SubscribeUser(), 1),
        )
        if item is not None
    )

    recording = recorded(stage, FIRST)

    kept = [*recording.frames()]
    assert payloads(recording, RecordedChannel.USER) == [
        json.dumps({"market": FIRST.market_id, "id": "0xab"}, separators=(",", ":"))
    ]
    assert all(secret.encode() not in each.payload for each in kept)
    assert {each.channel for each in kept} <= {RecordedChannel.NOTE, RecordedChannel.USER}
