"""``understudy credentials`` against a local exchange."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from understudy.cli import main
from understudy.credentials.price_feed import (
    ACCOUNT_VARIABLE,
    CREDENTIALS_NAME,
    FILE_VARIABLE,
    KEY_NAME,
    PART_VARIABLES,
    publish_accounts_own,
    read_credentials,
    take_test_credentials,
)
from venue.options import ExchangeOptions
from venue.server import LocalExchange

Command = Callable[..., Result]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (FILE_VARIABLE, ACCOUNT_VARIABLE, *PART_VARIABLES):
        monkeypatch.delenv(name, raising=False)


def at_an_exchange(scenario: Callable[[LocalExchange], None]) -> None:
    """Run a scenario in a thread beside an exchange."""

    async def whole() -> None:
        options = ExchangeOptions(start_ms=time.time_ns() // 1_000_000, rate=1.0)
        async with LocalExchange(options) as exchange:
            await asyncio.to_thread(scenario, exchange)

    asyncio.run(whole())


def understudy(*arguments: str, answers: str = "") -> Result:
    return CliRunner().invoke(main, ["credentials", *arguments], input=answers)


def options_for(exchange: LocalExchange, directory: Path) -> tuple[str, ...]:
    return ("--set", f"venue.clob_url={exchange.http_url}", "--data-dir", str(directory))


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_new_makes_a_key_and_its_credentials_for_this_user_alone(tmp_path: Path) -> None:
    directory = tmp_path / "data"

    def scenario(exchange: LocalExchange) -> None:
        made = understudy("new", "--yes", *options_for(exchange, directory))
        assert made.exit_code == 0, made.output
        found = read_credentials(directory / CREDENTIALS_NAME)
        key = (directory / KEY_NAME).read_text().strip()
        assert mode_of(directory / CREDENTIALS_NAME) == mode_of(directory / KEY_NAME) == 0o600
        assert {path.name for path in directory.iterdir()} == {CREDENTIALS_NAME, KEY_NAME}
        assert exchange.orders.find_wallet(found.key, found.secret, found.passphrase)
        shown = understudy("show", "--data-dir", str(directory))
        assert shown.exit_code == 0
        for output in (made.output, shown.output):
            assert found.key[:8] in output
            assert not [
                secret
                for secret in (found.key, found.secret, found.passphrase, key)
                if secret in output
            ]
        again = understudy("new", "--yes", *options_for(exchange, directory))
        assert again.exit_code == 0
        assert read_credentials(directory / CREDENTIALS_NAME) == found
        assert (directory / KEY_NAME).read_text().strip() == key

    at_an_exchange(scenario)


def test_new_does_nothing_unless_the_person_agrees(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    refused = understudy("new", "--data-dir", str(directory), answers="n\n")
    assert refused.exit_code == 1
    assert "costs nothing" in refused.output
    assert not directory.exists()


def test_new_at_a_venue_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    nowhere = ("--set", "venue.clob_url=http://127.0.0.1:9", "--data-dir", str(tmp_path))
    failed = understudy("new", "--yes", *nowhere)
    assert failed.exit_code == 1
    assert "http://127.0.0.1:9" in failed.output
    assert "Traceback" not in failed.output
    assert (tmp_path / KEY_NAME).read_text().strip() not in failed.output


def test_show_says_how_to_get_some(tmp_path: Path) -> None:
    shown = understudy("show", "--data-dir", str(tmp_path))
    assert shown.exit_code == 1
    assert "understudy credentials new" in shown.output


def test_a_local_exchange_hands_out_test_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "account"
    path.touch(mode=0o600)
    monkeypatch.setenv(ACCOUNT_VARIABLE, str(path))

    def scenario(exchange: LocalExchange) -> None:
        assert take_test_credentials(exchange.http_url) == ""
        found = read_credentials(path)
        assert exchange.orders.find_wallet(found.key, found.secret, found.passphrase)
        first = json.loads(path.read_text())
        assert take_test_credentials(exchange.http_url) == ""
        assert json.loads(path.read_text()) == first
        publish_accounts_own(found)

    at_an_exchange(scenario)
    assert "no test credentials" in take_test_credentials("http://127.0.0.1:9")
