from __future__ import annotations

import json
from pathlib import Path

import pytest
import zstandard

from research.recordings.window_files import MalformedRecording, frames, survey

START_S = 1_776_329_400
NAME = f"btc-updown-5m-{START_S}.jsonl"


def line(second: float, bid: str | None, ask: str | None, asset_id: str = "71") -> str:
    book = {
        "market": "0xc0",
        "asset_id": asset_id,
        "timestamp": str(round((START_S + second) * 1000) - 40),
        "hash": "ab",
        "bids": [{"price": bid, "size": "30"}] if bid else [],
        "asks": [{"price": ask, "size": "25.5"}] if ask else [],
        "event_type": "book",
    }
    return json.dumps({"recv_ts": START_S + second, "raw": json.dumps(book)})


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / NAME
    lines = [line(1, "0.48", "0.5"), line(100, "0.3", "0.31"), line(299, None, "0.01")]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_recording_is_read_frame_by_frame(recording: Path) -> None:
    first, _, last = frames(recording)

    assert (first.at_ms, first.timestamp_ms) == ((START_S + 1) * 1000, (START_S + 1) * 1000 - 40)
    assert (first.bids, first.asks) == (((480, 30_000_000),), ((500, 25_500_000),))
    assert last.mid_ticks == 5.0


def test_a_compressed_recording_reads_the_same(recording: Path) -> None:
    packed = recording.with_name(NAME + ".zst")
    packed.write_bytes(zstandard.compress(recording.read_bytes()))

    assert list(frames(packed)) == list(frames(recording))


@pytest.mark.parametrize(
    ("bad_line", "number"),
    [
        ("{broken", 2),
        ('{"recv_ts": 1}', 2),
        ('{"recv_ts": 1, "raw": "[]"}', 2),
        (line(2, "0.48", "0.5").replace("book", "look"), 2),
        (line(2, "0.4801", "0.5"), 2),
        (line(2, "1.2", None), 2),
        ('{"raw": ' + "[" * 5_000, 2),
    ],
)
def test_a_broken_line_is_named_with_its_file(tmp_path: Path, bad_line: str, number: int) -> None:
    path = tmp_path / NAME
    path.write_text(line(1, "0.48", "0.5") + "\n" + bad_line + "\n")

    with pytest.raises(MalformedRecording) as caught:
        survey(path)
    assert f"{path}, line {number}: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("window.jsonl", b"", "not named after a window"),
        (NAME, b"", "has no frames"),
        (NAME + ".zst", b"not compressed", "after line 0"),
        (NAME, (line(1, "0.4", "0.5") + "\n" + line(2, "0.4", "0.5", "72") + "\n"
                + line(3, "0.4", "0.5", "73")).encode(), "mixes several markets"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_recording_is_refused(
    tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(MalformedRecording, match=complaint):
        survey(path)
