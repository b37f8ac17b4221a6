from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request

import pytest
from click.testing import CliRunner

from venue.cli import venue
from venue.options import ExchangeOptions

pytestmark = pytest.mark.processes

COMMAND = [sys.executable, "-m", "venue"]
LIMIT_S = 30


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_says_where_it_listens_and_leaves_when_told(stop: signal.Signals) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--minutes", "5", "--start", "2026-11-22T12:00:00", "--speed", "2"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        with urllib.request.urlopen(where["http"] + "/time", timeout=LIMIT_S) as response:  # noqa: S310
            assert int(response.read()) >= where["origin_ms"] // 1000 == 1_795_348_800
        assert where["http"].startswith("http://127.0.0.1:")
        assert where["ws"].startswith("ws://127.0.0.1:")
        process.send_signal(stop)
        assert process.wait(LIMIT_S) == 0
    finally:
        process.kill()
        process.wait(LIMIT_S)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--start", "yesterday"],
        ["--minutes", "7"],
        ["--speed", "0"],
        ["--rate", "0"],
        ["--rate", "btc=50"],
        ["--rate", "50", "--rate", "60"],
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    result = CliRunner().invoke(venue, arguments)

    assert result.exit_code == 2
    assert "Error" in result.output


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
