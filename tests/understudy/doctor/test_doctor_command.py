"""``understudy doctor`` as people and scripts use it."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from doctor_stage import ADDRESS, KEY, against, key_file, ledger, nobody_listens
from rich.console import Console
from test_doctor_host import held

from actors.units import NANOS_PER_DOLLAR
from understudy.cli import main
from understudy.credentials.live import LIVE_FLAG
from understudy.doctor.findings import Finding, failed, passed, skipped, warned
from understudy.doctor.view import grouped, lines, table, totals
from understudy.processes.exit_codes import ExitCode
from venue.server import LocalExchange

FINDINGS = [
    passed("disk", "it is large"),
    warned("lock", "someone has it", "ask them"),
    failed("gamma", "it is away [really]", "look for it"),
    skipped("wallet", "there is none"),
]


def doctor(*arguments: str, environment: dict[str, str] | None = None) -> Result:
    return CliRunner(env=environment).invoke(main, ["doctor", *arguments])


def at(http_url: str, ws_url: str) -> list[str]:
    venue = {
        "gamma_url": http_url,
        "clob_url": http_url,
        "clob_ws_url": f"{ws_url}/ws",
        "rtds_ws_url": f"{ws_url}/rtds",
        "coinbase_ws_url": f"{ws_url}/coinbase",
    }
    return [part for key, url in venue.items() for part in ("--set", f"venue.{key}={url}")]


LIVE = ["--set", "execution.mode=live", "--set", "execution.durability=full"]


@against()
async def test_all_well_is_exit_code_0_and_no_secret_is_shown(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    arguments = [*at(exchange.http_url, exchange.ws_url), *LIVE, "--data-dir", str(tmp_path)]
    variables = key_file(tmp_path)
    for extra in ([], ["--json"], ["--order-test"]):
        result = await asyncio.to_thread(doctor, *arguments, *extra, environment=variables)
        assert result.exit_code == ExitCode.OK, result.output
        secrets = [KEY[2:], *(each.secret for each in exchange.orders.keys._keys.values())]
        secrets += [each.passphrase for each in exchange.orders.keys._keys.values()]
        assert len(secrets) == 3
        assert not [each for each in secrets if each in result.output]
    assert "order gone" in result.output
    assert len((await ledger(exchange))["orders"]) == 1


def test_checks_that_fail_by_one_cause_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_names(host: object, *_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", without_names)
    result = doctor(*at("http://a.invalid", "ws://b.invalid"), "--data-dir", str(tmp_path))
    (line,) = [each for each in result.output.splitlines() if "host names cannot be" in each]
    assert line.startswith("fail     network")
    for name in ("clock", "gamma", "clob", "market stream", "coinbase", "rtds", "market"):
        assert name in line
        assert f"fail     {name} " not in result.output


def test_a_cause_of_one_check_alone_stays_that_checks_line() -> None:
    alone = failed("clob", "a refused the connection", "look", "a refused the connection")
    other = failed("gamma", "b refused the connection", "look", "b refused the connection")
    assert grouped([alone, other]) == [alone, other]


def test_a_group_is_as_bad_as_its_worst_check() -> None:
    cause = "there is no way to the network"
    mild, bad = warned("geoblock", "unknown", "ask", cause), failed("clob", "gone", "look", cause)
    (row,) = grouped([mild, bad])
    assert (row.name, row.outcome) == ("network", bad.outcome)
    assert row.sentence.endswith("2 checks cannot be made: geoblock, clob")


def test_json_is_a_list_of_checks(tmp_path: Path) -> None:
    with nobody_listens() as port:
        urls = at(f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}")
        result = doctor(*urls, "--data-dir", str(tmp_path), "--json")
    assert result.exit_code == ExitCode.FAILED
    checks = json.loads(result.output)
    assert {tuple(each) for each in checks} == {("name", "outcome", "sentence", "advice", "cause")}
    by_name = {each["name"]: each["outcome"] for each in checks}
    assert len(by_name) == len(checks)
    assert (by_name["gamma"], by_name["disk"], by_name["wallet"]) == ("fail", "pass", "skipped")
    assert all(each["advice"] for each in checks if each["outcome"] in ("warn", "fail"))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--set", "execution.mode=never"], "execution.mode"),
        (["--config", "/nowhere.toml"], "/nowhere.toml"),
        (["--order-test"], "simulated"),
        (["--order-test", *LIVE], LIVE_FLAG),
    ],
)
def test_bad_input_is_one_sentence(arguments: list[str], word: str, tmp_path: Path) -> None:
    result = doctor(*arguments, "--data-dir", str(tmp_path))
    assert result.exit_code == ExitCode.BAD_INPUT
    assert word in result.output
    assert result.output.count("\n") == 1


@against(wallets={ADDRESS: 0})
async def test_no_order_is_placed_where_something_failed(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    arguments = [*at(exchange.http_url, exchange.ws_url), *LIVE, "--data-dir", str(tmp_path)]
    result = await asyncio.to_thread(
        doctor, *arguments, "--order-test", environment=key_file(tmp_path)
    )
    assert result.exit_code == ExitCode.FAILED
    assert "nothing was sent, because of: balance" in result.output
    assert (await ledger(exchange))["orders"] == []


@against(wallets={ADDRESS: 100 * NANOS_PER_DOLLAR})
async def test_no_order_is_placed_beside_a_run_that_would_halt_on_it(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    process = held(data_dir)
    try:
        arguments = [*at(exchange.http_url, exchange.ws_url), *LIVE]
        result = await asyncio.to_thread(
            doctor,
            *arguments,
            *("--data-dir", str(data_dir), "--order-test"),
            environment=key_file(tmp_path),
        )
    finally:
        process.communicate("", timeout=10)
    assert result.exit_code == ExitCode.FAILED
    assert str(process.pid) in result.output
    assert (await ledger(exchange))["orders"] == []


def test_a_line_tells_all_of_a_finding() -> None:
    shown = lines(FINDINGS)
    assert len(shown) == len(FINDINGS)
    for line, finding in zip(shown, FINDINGS, strict=True):
        assert_tells(line, finding)
    assert totals(FINDINGS) == "1 pass, 1 warn, 1 fail, 1 skipped"


def test_the_table_tells_it_too() -> None:
    console = Console(width=60, file=io.StringIO(), record=True)
    console.print(table(FINDINGS))
    shown = console.export_text()
    for finding in FINDINGS:
        assert_tells(shown, finding)


def assert_tells(text: str, finding: Finding) -> None:
    for part in (finding.outcome.value, finding.name, finding.sentence, finding.advice):
        assert part in text
