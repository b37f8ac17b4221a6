from __future__ import annotations

from pathlib import Path

import pytest

from research.recordings.room import NoRoom, RoomLimits, make_room


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for start, size in ((900, 10), (1_200, 20), (300, 30), (600, 40)):
        (tmp_path / f"btc-updown-5m-{start}.rec").write_bytes(bytes(size))
    (tmp_path / "notes.txt").write_bytes(bytes(1_000))
    return tmp_path


def names(paths: list[Path]) -> list[str]:
    return [path.name.removeprefix("btc-updown-5m-") for path in paths]


def test_the_oldest_windows_give_way_until_the_rest_fits(folder: Path) -> None:
    limits = RoomLimits(max_bytes=45, min_free_bytes=0)

    assert names(make_room(folder, limits, ())) == ["300.rec", "600.rec"]
    assert make_room(folder, limits, ()) == []
    assert (folder / "notes.txt").exists()


def test_a_recording_in_progress_never_gives_way(folder: Path) -> None:
    limits = RoomLimits(max_bytes=1, min_free_bytes=0)
    in_progress = {folder / "btc-updown-5m-300.rec", folder / "btc-updown-5m-1200.rec"}

    assert names(make_room(folder, limits, in_progress)) == ["600.rec", "900.rec"]
    assert all(path.exists() for path in in_progress)


def test_what_cannot_be_freed_is_one_sentence(folder: Path) -> None:
    with pytest.raises(NoRoom, match="are free"):
        make_room(folder, RoomLimits(max_bytes=10**9, min_free_bytes=10**18), ())
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
