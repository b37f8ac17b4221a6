from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from venue.cli import venue
from venue.options import ExchangeOptions

pytestmark = pytest.mark.processes

COMMAND = [sys.executable, "-m", "venue"]
WALLET = "0x" + "A1" * 20
LIMIT_S = 30


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The exchange as a process, and where it says that it listens."""
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=LIMIT_S) as response:  # noqa: S310 # loopback
        return json.loads(response.read())


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_says_where_it_listens_and_leaves_when_told(stop: signal.Signals) -> None:
    arguments = ["--minutes", "5", "--start", "2026-11-22T12:00:00", "--speed", "2"]
    with running(*arguments) as (process, where):
        assert get(where["http"] + "/time") >= where["origin_ms"] // 1000 == 1_795_348_800
        assert where["http"].startswith("http://127.0.0.1:")
        assert where["ws"].startswith("ws://127.0.0.1:")
        assert where["user_ws"] == where["ws"] + "/ws/user"
        process.send_signal(stop)
        assert process.wait() == 0


def test_wallets_are_funded_and_faults_are_read(tmp_path: Path) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text('[[at]]\nkind = "cancel_only"\n')
    with running("--admin", "--wallet", f"{WALLET}=12.5", "--faults", str(faults)) as (_, where):
        report: dict[str, Any] = {"faults": {}}
        while not report["faults"]:
            report = get(where["http"] + "/admin/ledger")
    assert report["wallets"][WALLET.lower()]["cash_nanos"] == 12_500_000_000
    assert report["faults"] == {"cancel_only": 1}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--start", "yesterday"],
        ["--minutes", "7"],
        ["--speed", "0"],
        ["--rate", "0"],
        ["--rate", "btc=50"],
        ["--rate", "50", "--rate", "60"],
        *(["--wallet", each] for each in ("0x1=5", WALLET, f"{WALLET}=much", f"{WALLET}=-1")),
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    result = CliRunner().invoke(venue, arguments)

    assert result.exit_code == 2
    assert "Error" in result.output


def test_a_bad_file_of_faults_is_one_sentence_and_exit_2(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text("[chance]\nexplode = 1.0\n")
    result = CliRunner().invoke(venue, ["--faults", str(path)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert f"{path}: there is no fault 'explode'" in result.stderr


def test_an_exchange_without_orders_loads_no_ethereum_library() -> None:
    script = (
        "import sys, venue.cli\n"
        "heavy = {'eth_account', 'eth_abi', 'eth_keys', 'eth_utils', 'rlp', 'polymarket'}\n"
        "assert heavy.isdisjoint(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_by_default_it_opens_shortly_before_a_window() -> None:
    options = ExchangeOptions(minutes=5)

    assert (options.origin_ms() + 70_000) % 300_000 == 0


@pytest.mark.parametrize(
    ("speed", "rate", "expected"), [(1.0, None, 500.0), (20.0, None, 25.0), (20.0, 80.0, 80.0)]
)
def test_the_default_rate_keeps_the_real_one_bearable(
    speed: float, rate: float | None, expected: float
) -> None:
    assert ExchangeOptions(speed=speed, rate=rate).frames_per_second == expected
