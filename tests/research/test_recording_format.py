"""The bytes of a recording: written, read, cut off anywhere, damaged anywhere."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recording_builders import OPENS_AT_MS, SLUG, frame, head, written

from research.recordings import BadRecording, RecordedChannel, RecordedFrame, open_recording
from research.recordings.blocks import MARK, SegmentWriter
from research.recordings.model import DERIVED, RecordedStrike, RecordingNote, RecordingTail
from research.recordings.writer import SEGMENT_NS, RecordingWriter

DOCUMENT = Path(__file__).parents[2] / "docs" / "recordings.md"
MINUTE = [[frame(ms, b"frame %d" % ms) for ms in range(s * 1000, s * 1000 + 900, 300)]
          for s in range(60)]  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / f"{SLUG}.rec"


@pytest.fixture
def minute(path: Path) -> Path:
    """A recording of a minute, in three segments behind the head's."""
    written(path, *MINUTE).close()
    return path


def everything(batches: list[list[RecordedFrame]]) -> list[RecordedFrame]:
    return [each for batch in batches for each in batch]


def test_what_was_written_is_read_in_the_order_of_receipt(path: Path) -> None:
    kinds = [
        frame(20, b'{"a": 1}', flags=DERIVED, connection=3),
        frame(10, bytes(range(256)), RecordedChannel.POLYBOLT),
        frame(700, b"", RecordedChannel.GAMMA, connection=0),
    ]
    late = frame(650, b"late", RecordedChannel.REFERENCE)
    written(path, kinds, [late]).close()

    recording = open_recording(path)

    assert recording.head == head()
    assert recording.tail is None
    assert [*recording.frames()] == [kinds[1], kinds[0], late, kinds[2]]


def test_the_tail_is_told_and_read_without_the_frames(path: Path) -> None:
    tail = RecordingTail(
        strike=RecordedStrike(price_e18="90" + "0" * 21, source="polybolt", origin="tick"),
        winner="YES",
        spans={"market": (1, 2)},
        frames={"market": 1},
        payload_bytes=2,
    )
    written(path, [frame(0)]).finish(tail)

    assert open_recording(path).tail == tail


def test_the_tail_of_a_large_recording_is_found_at_its_end(path: Path) -> None:
    dice = Random(1)
    noise = [[frame(second * 1000, dice.randbytes(9_000))] for second in range(40)]
    written(path, *noise).finish(RecordingTail(winner="NO"))

    tail = open_recording(path).tail
    assert tail is not None
    assert tail.winner == "NO"


def test_a_venue_that_runs_faster_than_the_machine_keeps_its_own_time(path: Path) -> None:
    writer = RecordingWriter.create(path, head(speed=20.0), is_synced=False)
    frames = [frame(0, monotonic_ms=0), frame(4_000, monotonic_ms=200)]
    writer.write(frames)
    writer.close()

    assert [*open_recording(path).frames()] == frames


@pytest.mark.parametrize("changed", [b"format", b"series"])
def test_a_head_that_lacks_a_key_is_refused_in_one_sentence(path: Path, changed: bytes) -> None:
    body = json.dumps({"format": 1, "series": "btc-5m"}).encode().replace(changed, b"other")
    writer = written(path)
    writer.close()
    path.unlink()
    with path.open("ab") as file:
        segment = SegmentWriter()
        only = [frame(0, body, RecordedChannel.HEAD)]
        file.write(segment.begin() + segment.batch(only, 1.0) + segment.end())

    with pytest.raises(BadRecording) as caught:
        open_recording(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "does not begin"), (b"PK\x03\x04", "does not begin"), (MARK, "without a readable head")],
)
def test_a_file_that_is_no_recording_is_refused(path: Path, content: bytes, complaint: str) -> None:
    path.write_bytes(content)

    with pytest.raises(BadRecording, match=complaint):
        open_recording(path)


def test_a_recording_of_a_later_format_is_refused(path: Path) -> None:
    RecordingWriter.create(path, attrs.evolve(head(), format=2)).close()

    with pytest.raises(BadRecording, match="format 2: this version reads 1"):
        open_recording(path)


def test_a_file_that_is_not_there_is_one_sentence(path: Path) -> None:
    with pytest.raises(BadRecording, match="No such file"):
        open_recording(path)


@settings(deadline=None, max_examples=60)
@given(cut=st.floats(0, 1))
def test_a_file_that_is_cut_anywhere_gives_all_that_was_whole_before(
    tmp_path_factory: pytest.TempPathFactory, cut: float
) -> None:
    path = tmp_path_factory.mktemp("cut") / f"{SLUG}.rec"
    writer = RecordingWriter.create(path, head(), is_synced=False)
    begun = path.stat().st_size
    ends = []
    for batch in MINUTE:
        writer.write(batch)
        ends.append(path.stat().st_size)
    length = begun + round(cut * (ends[-1] - begun))
    with path.open("r+b") as file:
        file.truncate(length)

    recording = open_recording(path)

    whole_count = sum(end <= length for end in ends)
    assert [*recording.frames()] == everything(MINUTE[:whole_count])
    assert recording.survey.damage == ()


@settings(deadline=None, max_examples=40)
@given(cut=st.floats(0, 1))
def test_whoever_goes_on_with_a_file_that_was_cut_keeps_its_frames_and_notes_the_gap(
    tmp_path_factory: pytest.TempPathFactory, cut: float
) -> None:
    path = tmp_path_factory.mktemp("resumed") / f"{SLUG}.rec"
    begun = written(path).path.stat().st_size
    path.unlink()
    written(path, *MINUTE).close()
    with path.open("r+b") as file:
        file.truncate(begun + round(cut * (path.stat().st_size - begun)))
    before = [*open_recording(path).frames()]

    later = frame(90_000, b"later")
    writer = RecordingWriter.resume(
        path, "understudy 0.2.0", later.received_ns, later.monotonic_ns, is_synced=False
    )
    writer.write([later])
    writer.close()

    recording = open_recording(path)
    (gap,) = recording.gaps
    shown = [each for each in recording.frames() if each.channel != RecordedChannel.NOTE]
    assert shown == [*before, later]
    assert recording.survey.damage == ()
    assert gap.until_ms == OPENS_AT_MS + 90_000
    assert gap.from_ms == (before[-1].received_ms if before else OPENS_AT_MS)
    assert writer.frames["market"] == len(before) + 1


@settings(deadline=None, max_examples=150)
@given(place=st.floats(0, 1, exclude_max=True), flipped=st.integers(1, 255))
def test_a_damaged_byte_costs_no_frame_outside_its_segment(
    tmp_path_factory: pytest.TempPathFactory, place: float, flipped: int
) -> None:
    path = tmp_path_factory.mktemp("damaged") / f"{SLUG}.rec"
    written(path, *MINUTE).finish(RecordingTail(winner="YES"))
    data = bytearray(path.read_bytes())
    second_mark = data.find(MARK, 1)
    position = second_mark + int(place * (len(data) - second_mark))
    data[position] ^= flipped
    path.write_bytes(data)

    recording = open_recording(path)
    read = [*recording.frames()]

    whole = everything(MINUTE)
    assert all(each in whole for each in read)
    struck_ns = SEGMENT_NS if position < data.rfind(MARK) else 0
    lost_count = sum(1 for each in whole if each not in read)
    assert lost_count * 300_000_000 <= struck_ns + 10**9
    if len(read) < len(whole):
        assert recording.survey.damage
        assert all(str(path) in sentence for sentence in recording.survey.damage)
        assert re.search(r"byte \d+", recording.survey.damage[0])


def test_the_reader_of_the_document_reads_what_the_reader_of_the_project_does(
    minute: Path, tmp_path: Path
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    script = tmp_path / "reader.py"
    script.write_text(code)

    output = subprocess.run([sys.executable, script, minute], capture_output=True, check=True)

    lines = [ast.literal_eval(line) for line in output.stdout.decode().splitlines()]
    assert json.loads(lines[0][4])["series"] == "btc-5m"
    assert lines[1:] == [
        (each.channel, each.flags, each.connection, each.received_ns, each.payload)
        for each in open_recording(minute).frames()
    ]


def test_a_bucket_is_a_directory(minute: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    address = f"memory://bucket/{SLUG}.rec"
    fsspec.filesystem("memory").pipe_file(f"/bucket/{SLUG}.rec", minute.read_bytes())

    recording = open_recording(address)

    assert [*recording.frames()] == everything(MINUTE)
    assert recording.tail is None


def test_notes_lie_among_the_frames(path: Path) -> None:
    writer = written(path, [frame(0)])
    strike = RecordedStrike(price_e18="1", source="polybolt", origin="tick")
    at = frame(500)
    writer.note(RecordingNote(kind="strike", strike=strike), at.received_ns, at.monotonic_ns)
    writer.write([frame(900)])
    writer.close()

    recording = open_recording(path)

    channels = [each.channel for each in recording.frames()]
    assert channels == [RecordedChannel.MARKET, RecordedChannel.NOTE, RecordedChannel.MARKET]
    assert recording.survey.strike == strike
