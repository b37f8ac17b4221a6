from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from called import understudy

START_S = 1_776_329_400


def line(second: float, bid: str, ask: str) -> str:
    book = {
        "market": "0xc0",
        "asset_id": "71",
        "timestamp": str(round((START_S + second) * 1000)),
        "bids": [{"price": bid, "size": "30"}],
        "asks": [{"price": ask, "size": "25.5"}],
        "event_type": "book",
    }
    return json.dumps({"recv_ts": START_S + second, "raw": json.dumps(book)})


def run(*words: str | Path, code: int = 0) -> str:
    result = understudy(*words)
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / f"btc-updown-5m-{START_S}.jsonl"
    seconds = [*range(1, 100), *range(120, 300)]
    path.write_text("\n".join(line(second, "0.9", "0.91") for second in seconds) + "\n")
    return path


@pytest.fixture
def folder(source: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    run("recordings", "import", source, "--dir", folder, "--attribution", "Somebody, CC BY 4.0")
    return folder


def test_recordings_are_listed_with_what_they_cover_and_how_they_ended(folder: Path) -> None:
    (row,) = json.loads(run("recordings", folder, "--json"))["recordings"]

    assert row["window"] == f"btc-updown-5m-{START_S}"
    assert row["opens_at"] == "2026-04-16T08:50:00.000Z"
    assert row["is_ended"]
    assert row["is_derived"]
    assert (row["gaps_count"], row["gaps_ms"]) == (1, 21_000)
    assert row["coverage"] == pytest.approx((298 - 21) / 300, abs=0.001)
    assert (row["strike"], row["strike_source"], row["winner"]) == ("90000", "derived", "YES")
    (told,) = csv.DictReader(io.StringIO(run("recordings", folder, "--csv")))
    assert told["winner"] == "YES"
    table = run("recordings", folder)
    assert "derived" in table
    assert "YES" in table


def test_what_was_imported_is_not_imported_again(source: Path, folder: Path) -> None:
    told = run("recordings", "import", source, "--dir", folder)
    assert "0 windows written" in told
    assert "1 there" in told


def test_a_folder_of_windows_is_imported_as_its_files_are(source: Path, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("Source: Somebody\n")
    told = run("recordings", "import", source.parent, "--dir", tmp_path / "recs")
    assert "1 windows written" in told
    assert "Somebody" in told


def test_a_folder_without_windows_is_refused(tmp_path: Path) -> None:
    told = run("recordings", "import", tmp_path, "--dir", tmp_path / "recs", code=2)
    assert f"{tmp_path} has no *.jsonl or *.jsonl.zst" in told


def test_verify_names_what_is_damaged_and_where(folder: Path) -> None:
    assert "1 recordings, 0 of them damaged" in run("recordings", "verify", folder)
    path = folder / f"btc-updown-5m-{START_S}.rec"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)

    told = run("recordings", "verify", folder, code=1)

    assert f"{path} is damaged " in told
    assert "1 recordings, 1 of them damaged" in told


def test_a_file_that_is_none_is_named_and_its_neighbours_are_listed(folder: Path) -> None:
    (folder / "btc-updown-5m-1776329700.rec").write_bytes(b"something else")

    told = run("recordings", folder, "--json", code=1)

    assert f"btc-updown-5m-{START_S}" in told
    assert "1776329700.rec is not a recording" in told


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("recordings", "/nowhere"), "there is no directory /nowhere"),
        (("recordings", "verify", "/nowhere"), "there is no directory /nowhere"),
        (("record", "--series", "gold-5m"), "gold"),
        (("record", "--speed", "2"), "for --demo"),
        (("venue", "--recording", "/nowhere.rec"), "/nowhere.rec cannot be read"),
        (("venue", "--recording", __file__), "is not a recording"),
        (("venue", "--start", "0", "--recording", __file__), "exclude each other"),
        (("run", "--recording", __file__), "--recording is for --demo"),
        (("run", "--demo", "--recording", __file__), "is not a recording"),
    ],
)
def test_bad_input_is_one_sentence(words: tuple[str, ...], sentence: str) -> None:
    assert sentence in run(*words, code=2)


def test_an_import_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text("{}\n")
    told = run("recordings", "import", path, "--into", tmp_path / "into", code=2)
    assert "not named after a window" in told
