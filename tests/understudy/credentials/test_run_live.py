"""How ``understudy run`` is asked for live orders, and when it says no."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from called import understudy

from actors.core import Record
from actors.execution.desk_state import OrdersCreated
from actors.runtime.journal import Journal
from actors.runtime.journal_file import prepare
from understudy.credentials.live import LIVE_FLAG, REHEARSAL_SPEED
from understudy.credentials.private_key import FILE_VARIABLE, KEY_VARIABLE
from understudy.data_dir.ownership import OtherAccount, keep_to_account
from understudy.processes.exit_codes import ExitCode
from understudy.settings.options import RunOptions


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[RunOptions]:
    """What the process tree was asked to run."""
    asked: list[RunOptions] = []

    def run(options: RunOptions) -> int:
        asked.append(options)
        return ExitCode.OK

    monkeypatch.setattr("understudy.running.foreground.run", run)
    return asked


LIVE = ("--set", "execution.mode=live")
FULL = ("--set", "execution.durability=full")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([*LIVE], "add --i-understand-this-is-real-money"),
        ([*LIVE, LIVE_FLAG], "durability"),
        ([LIVE_FLAG], "is for execution.mode"),
        ([*LIVE, *FULL, LIVE_FLAG], "there is no private key"),
        (["--demo", *LIVE, LIVE_FLAG], "a demo never trades real money"),
        (["--demo", *LIVE, "--speed", "30"], "too fast for live orders"),
    ],
)
def test_real_money_is_refused_in_one_sentence(
    asked: list[RunOptions],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    words: str,
) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    result = understudy("run", *options, "--data-dir", str(tmp_path / "data"))
    assert result.exit_code == ExitCode.BAD_INPUT
    assert words in result.output
    assert len(result.output.splitlines()) == 1
    assert not (tmp_path / "data").exists()
    assert asked == []


def key_file(folder: Path) -> Path:
    path = folder / "key"
    path.write_text("0x" + "c0ffee" * 10 + "c0fe")
    path.chmod(0o600)
    return path


def test_live_orders_reach_the_run_with_their_account(
    asked: list[RunOptions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(key_file(tmp_path)))
    understudy("run", *LIVE, *FULL, LIVE_FLAG, "--data-dir", str(tmp_path / "data"))
    understudy("run", "--demo", *LIVE)
    real, rehearsal = asked
    assert re.fullmatch("0x[0-9a-f]{40}", real.account)
    assert (real.is_local, real.is_real_money_understood) == (False, True)
    assert (rehearsal.is_local, rehearsal.speed) == (True, REHEARSAL_SPEED)
    assert rehearsal.account not in ("", real.account)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("", "0xa", "holds simulated orders"),
        ("0xa", "", "with simulated orders"),
        ("0xa", "0xb", "account 0xa, and this run trades for 0xb"),
        ("0xa", "0xa", ""),
        ("", "", ""),
    ],
)
def test_a_data_directory_holds_the_orders_of_one_account(
    tmp_path: Path, first: str, second: str, words: str
) -> None:
    prepare(tmp_path)
    keep_to_account(tmp_path, first)
    journal = Journal(tmp_path, "desk")
    journal.claim()
    journal.record(Record(OrdersCreated(market_id="0xm", signals_id=1, intents=())), 0)
    journal.close()
    if words:
        with pytest.raises(OtherAccount, match=words):
            keep_to_account(tmp_path, second)
        with pytest.raises(OtherAccount):
            keep_to_account(tmp_path, second, is_rehearsal=True)
    else:
        keep_to_account(tmp_path, second)


def test_a_drill_s_exchange_is_on_this_host(asked: list[RunOptions], tmp_path: Path) -> None:
    stage = ("https://venue.example", "ws://127.0.0.1:1", str(tmp_path), "1", "1", "1.0")
    result = understudy("run", *LIVE, "--drill-stage", *stage, "--data-dir", str(tmp_path))
    assert result.exit_code == ExitCode.BAD_INPUT
    assert "not at https://venue.example" in result.output
    assert asked == []


def test_whoever_watches_is_told_what_orders_are_worth(
    asked: list[RunOptions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(key_file(tmp_path)))
    understudy("run", *LIVE, *FULL, LIVE_FLAG, "--data-dir", str(tmp_path / "data"))
    understudy("run", "--demo", *LIVE)
    understudy("run", "--demo")
    assert [each.stakes for each in asked] == ["REAL MONEY", "live orders, no real money", ""]
