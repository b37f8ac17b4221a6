from __future__ import annotations

import json
from pathlib import Path

import pytest

from research.recordings import RecordedChannel, open_recording
from research.recordings.importing import Importing, attribution_beside
from research.recordings.window_files import MalformedRecording

START_S = 1_776_329_400


def line(second: float, bid: str, ask: str, start_s: int) -> str:
    book = {
        "market": f"0x{start_s}",
        "asset_id": f"{start_s}1",
        "timestamp": str(round((start_s + second) * 1000) - 40),
        "bids": [{"price": bid, "size": "30"}],
        "asks": [{"price": ask, "size": "25.5"}],
        "event_type": "book",
    }
    return json.dumps({"recv_ts": start_s + second, "raw": json.dumps(book)})


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    """Two windows in a row: the first ends with Up, the second with Down."""
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "README.md").write_text("# Windows\n\nSource: A Data Set, CC BY 4.0. Changed: no.\n")
    made = []
    for start_s, bid, ask in ((START_S, "0.97", "0.98"), (START_S + 300, "0.01", "0.02")):
        path = folder / f"btc-updown-5m-{start_s}.jsonl"
        times = (*range(1, 290), 296)
        lines = [line(1, "0.5", "0.51", start_s)]
        lines += [line(second, bid, ask, start_s) for second in times]
        path.write_text("\n".join(lines) + "\n")
        made.append(path)
    return made


def imported(sources: list[Path], folder: Path) -> list[tuple[Path, bool]]:
    folder.mkdir(exist_ok=True)
    return list(Importing(sources, attribution_beside(sources), "understudy").into(folder))


def test_an_imported_window_has_its_frames_verbatim_and_derived_prices_marked(
    sources: list[Path], tmp_path: Path
) -> None:
    (path, was_written), _ = imported(sources, tmp_path / "into")

    recording = open_recording(path)
    frames = [*recording.frames()]
    received = [
        each for each in frames if not each.is_derived and each.channel != RecordedChannel.NOTE
    ]
    lines = [json.loads(each) for each in sources[0].read_text().splitlines()]
    assert was_written
    assert [(each.received_ms, each.payload.decode()) for each in received] == [
        (round(each["recv_ts"] * 1000), each["raw"]) for each in lines
    ]
    derived = {each.channel for each in frames if each.is_derived}
    assert derived == {RecordedChannel.REFERENCE, RecordedChannel.RTDS}
    assert recording.head.derived
    assert recording.head.mirrored_token == recording.market.no_token
    assert recording.head.attribution == "A Data Set, CC BY 4.0. Changed: no."


def test_strike_result_and_gaps_of_imported_windows_are_told(
    sources: list[Path], tmp_path: Path
) -> None:
    first, second = (open_recording(path).tail for path, _ in imported(sources, tmp_path / "into"))

    assert first is not None
    assert second is not None
    assert (first.winner, second.winner) == ("YES", "NO")
    assert first.strike is not None
    assert second.strike is not None
    assert first.strike.origin == "derived"
    assert first.close_e18 == second.strike.price_e18
    assert int(first.close_e18) >= int(first.strike.price_e18)
    (gap,) = first.gaps
    assert gap.until_ms - gap.from_ms == 7_000
    assert gap.channel == "market"


def test_the_strike_is_the_tick_of_the_windows_start(sources: list[Path], tmp_path: Path) -> None:
    _, (path, _) = imported(sources, tmp_path / "into")
    recording = open_recording(path)
    ticks = {}
    for each in recording.frames():
        if each.channel == RecordedChannel.RTDS and b"twap_sixty" in each.payload:
            payload = json.loads(each.payload)["payload"]
            ticks[payload["timestamp"]] = payload["full_accuracy_value"]

    assert recording.tail is not None
    assert recording.tail.strike is not None
    assert ticks[recording.market.opens_at_ms] == recording.tail.strike.price_e18
    assert ticks[recording.market.closes_at_ms] == recording.tail.close_e18


def test_what_is_there_already_is_not_written_again(sources: list[Path], tmp_path: Path) -> None:
    imported(sources[:1], tmp_path / "into")
    before = (tmp_path / "into").joinpath(f"btc-updown-5m-{START_S}.rec").read_bytes()

    assert [was_written for _, was_written in imported(sources, tmp_path / "into")] == [False, True]
    assert (tmp_path / "into" / f"btc-updown-5m-{START_S}.rec").read_bytes() == before


def test_windows_of_two_series_are_not_imported_together(sources: list[Path]) -> None:
    other = sources[0].with_name(f"btc-updown-15m-{START_S}.jsonl")
    other.write_text(line(1, "0.5", "0.51", START_S) + "\n")

    with pytest.raises(MalformedRecording, match="several series"):
        Importing([*sources, other], "", "understudy")
