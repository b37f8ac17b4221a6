"""The recorder's thread: files appear, troubles are told, and nothing waits for the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from recording_builders import OPENS_AT_MS
from session_stage import machine_ns, market, resolved

from actors.messages.recorder import (
    BeginRecording,
    Capture,
    CapturedFrames,
    EndRecording,
    KeepCapture,
    RecordingFailed,
    RecordingGoesOn,
)
from research.recordings import open_recording
from research.recordings.port import RecorderPort, local_folder
from research.recordings.room import RoomLimits
from research.recordings.session import Recorder
from understudy.drill.processes import wait_for

FIRST = market(0)
LIMITS = RoomLimits(max_bytes=10**9, min_free_bytes=0)
WAIT_S = 20.0
PortMaker = Callable[..., RecorderPort]


@pytest.fixture
def make_port(tmp_path: Path) -> Iterator[PortMaker]:
    made = []

    def make(
        folder: Path = tmp_path / "recordings", target: str = "", limits: RoomLimits = LIMITS
    ) -> RecorderPort:
        recorder = Recorder(
            program="understudy test",
            unix_ns=lambda ns: OPENS_AT_MS * 1_000_000 + ns - machine_ns(0),
            monotonic_ns=lambda: machine_ns(5),
            offset_ms=lambda: 0,
            is_synced=False,
        )
        made.append(RecorderPort(folder, target, limits, recorder))
        return made[-1]

    yield make
    for port in made:
        port.close()


def capture(number: int) -> KeepCapture:
    payload = b'{"market":"%s","n":%d}' % (FIRST.market_id.encode(), number)
    frames = CapturedFrames("market", "#1", ((payload, machine_ns(number)),))
    return KeepCapture(Capture((frames,)))


def until(holds: Callable[[], object]) -> None:
    assert wait_for(holds, WAIT_S), "it did not come true"


def events_until(port: RecorderPort, last: type) -> list[object]:
    events: list[object] = []
    until(lambda: events.extend(port.drain()) or any(isinstance(each, last) for each in events))
    return events


def test_what_is_captured_is_in_the_file_soon_without_anybody_asking(
    make_port: PortMaker, tmp_path: Path
) -> None:
    port = make_port()
    port.perform(BeginRecording(market=FIRST, strike=None))
    port.perform(capture(1))
    path = tmp_path / "recordings" / f"{FIRST.slug}.rec"

    until(lambda: path.exists() and open_recording(path).survey.frames == {"market": 1})
    port.perform(EndRecording(FIRST, resolved(FIRST)))
    until(lambda: open_recording(path).tail is not None)

    assert path.stat().st_mode & 0o077 == 0


def test_what_waits_is_written_when_the_port_is_closed(
    make_port: PortMaker, tmp_path: Path
) -> None:
    port = make_port()
    port.perform(BeginRecording(market=FIRST, strike=None))
    port.perform(capture(1))
    port.perform(capture(2))
    port.close()

    path = tmp_path / "recordings" / f"{FIRST.slug}.rec"
    assert open_recording(path).survey.frames == {"market": 2}


def test_a_folder_that_cannot_be_made_is_told_and_tried_again(
    make_port: PortMaker, tmp_path: Path
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    port = make_port(folder=blocked)
    port.perform(BeginRecording(market=FIRST, strike=None))
    failed = events_until(port, RecordingFailed)[0]
    assert isinstance(failed, RecordingFailed)
    assert str(blocked) in failed.reason

    blocked.unlink()
    port.perform(BeginRecording(market=FIRST, strike=None))
    events_until(port, RecordingGoesOn)
    assert (blocked / f"{FIRST.slug}.rec").exists()


def test_a_disk_that_is_to_stay_free_is_not_filled(make_port: PortMaker) -> None:
    port = make_port(limits=RoomLimits(max_bytes=10**9, min_free_bytes=10**18))
    port.perform(BeginRecording(market=FIRST, strike=None))

    failed = events_until(port, RecordingFailed)[0]
    assert isinstance(failed, RecordingFailed)
    assert "min_free_gb" in failed.reason


def test_a_whole_recording_is_moved_to_where_it_belongs(
    make_port: PortMaker, tmp_path: Path
) -> None:
    fsspec = pytest.importorskip("fsspec")
    port = make_port(target="memory://moved")
    port.perform(BeginRecording(market=FIRST, strike=None))
    port.perform(capture(1))
    port.perform(EndRecording(FIRST, resolved(FIRST)))
    path = tmp_path / "recordings" / f"{FIRST.slug}.rec"
    files = fsspec.filesystem("memory")

    until(lambda: files.exists(f"/moved/{FIRST.slug}.rec") and not path.exists())
    tail = open_recording(f"memory://moved/{FIRST.slug}.rec").tail
    assert tail is not None
    assert tail.winner == "YES"


def test_recordings_lie_in_the_data_directory_unless_told_otherwise(tmp_path: Path) -> None:
    assert local_folder("", tmp_path) == tmp_path / "recordings"
    assert local_folder("s3://bucket/there", tmp_path) == tmp_path / "recordings"
    assert local_folder(str(tmp_path / "mine"), tmp_path) == tmp_path / "mine"
