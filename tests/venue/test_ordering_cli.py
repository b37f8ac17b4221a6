from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from venue.cli import venue

pytestmark = pytest.mark.processes

COMMAND = [sys.executable, "-m", "venue"]
WALLET = "0x" + "A1" * 20
LIMIT_S = 30


def test_wallets_are_funded_and_faults_are_read(tmp_path: Path) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text('[[at]]\nkind = "cancel_only"\n')
    process = subprocess.Popen(
        [*COMMAND, "--admin", "--wallet", f"{WALLET}=12.5", "--faults", str(faults)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        assert where["user_ws"] == where["ws"] + "/ws/user"
        report = {"faults": {}}
        while not report["faults"]:
            url = where["http"] + "/admin/ledger"
            with urllib.request.urlopen(url, timeout=LIMIT_S) as response:  # noqa: S310 # loopback
                report = json.loads(response.read())
        assert report["wallets"][WALLET.lower()]["cash_nanos"] == 12_500_000_000
        assert report["faults"] == {"cancel_only": 1}
    finally:
        process.kill()
        process.wait(LIMIT_S)


def test_a_bad_file_of_faults_is_one_sentence_and_exit_2(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text("[chance]\nexplode = 1.0\n")
    done = subprocess.run(
        [*COMMAND, "--faults", str(path)],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert f"{path}: there is no fault 'explode'" in done.stderr


@pytest.mark.parametrize("wallet", ["0x1=5", WALLET, f"{WALLET}=much", f"{WALLET}=-1"])
def test_what_is_no_wallet_with_money_is_refused(wallet: str) -> None:
    result = CliRunner().invoke(venue, ["--wallet", wallet])
    assert result.exit_code == 2
    assert "Error" in result.output


def test_an_exchange_without_orders_loads_no_ethereum_library() -> None:
    script = (
        "import sys, venue.cli\n"
        "heavy = {'eth_account', 'eth_abi', 'eth_keys', 'eth_utils', 'rlp', 'polymarket'}\n"
        "assert heavy.isdisjoint(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=LIMIT_S)
