"""Where the price feed's API credentials come from, and where no one else finds them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from actors.feeds.polybolt import ApiCredentials, CredentialsUnavailable
from actors.settings import Settings
from understudy.credentials.price_feed import (
    ACCOUNT_VARIABLE,
    CREDENTIALS_NAME,
    FILE_VARIABLE,
    PART_VARIABLES,
    credentials_for_the_feed,
    credentials_text,
    find_credentials,
    publish_accounts_own,
    read_credentials,
    unsafe_address,
)
from understudy.credentials.private_key import private_file

MINE = ApiCredentials("my-key", "my-secret", "my-passphrase")
OTHERS = ApiCredentials("others-key", "others-secret", "others-passphrase")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (FILE_VARIABLE, ACCOUNT_VARIABLE, *PART_VARIABLES):
        monkeypatch.delenv(name, raising=False)


def written(path: Path, credentials: ApiCredentials = MINE, mode: int = 0o600) -> Path:
    path.write_text(credentials_text(credentials))
    path.chmod(mode)
    return path


def parts_of(credentials: ApiCredentials) -> dict[str, str]:
    values = (credentials.key, credentials.secret, credentials.passphrase)
    return dict(zip(PART_VARIABLES, values, strict=True))


# Reading


def test_without_any_the_sentence_says_how_to_get_some(tmp_path: Path) -> None:
    with pytest.raises(CredentialsUnavailable, match="understudy credentials new"):
        find_credentials(tmp_path, {})


def test_a_named_file_goes_before_everything_and_the_data_directory_comes_last(
    tmp_path: Path,
) -> None:
    written(tmp_path / CREDENTIALS_NAME, OTHERS)
    assert find_credentials(tmp_path, {}).credentials == OTHERS
    account = {ACCOUNT_VARIABLE: str(written(tmp_path / "account", OTHERS))}
    assert find_credentials(tmp_path, account).place == "this run"
    named = written(tmp_path / "mine")
    found = find_credentials(tmp_path, account | {FILE_VARIABLE: str(named)})
    assert (found.credentials, found.place) == (MINE, str(named))
    assert find_credentials(tmp_path, account | parts_of(MINE)).credentials == MINE


@pytest.mark.parametrize(
    "variables",
    [
        parts_of(MINE) | {FILE_VARIABLE: "x"},
        {PART_VARIABLES[0]: "my-key"},
        {FILE_VARIABLE: "no-such-file"},
    ],
)
def test_what_cannot_be_meant_is_one_sentence(tmp_path: Path, variables: dict[str, str]) -> None:
    with pytest.raises(CredentialsUnavailable) as refused:
        find_credentials(tmp_path, variables)
    assert "my-" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "my-secret",
        "[]",
        '{"apiKey": "my-key", "secret": "my-secret"}',
        '{"apiKey": "my-key", "secret": "my-secret", "passphrase": 7}',
        '{"apiKey": "my-key", "secret": "", "passphrase": "my-passphrase"}',
    ],
)
def test_a_file_of_something_else_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "credentials"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(CredentialsUnavailable) as refused:
        read_credentials(path)
    assert str(path) in str(refused.value)
    assert "my-" not in str(refused.value)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CredentialsUnavailable, match="chmod 600"):
        read_credentials(written(tmp_path / "open", mode=0o644))


def test_credentials_are_sent_unencrypted_to_this_host_only() -> None:
    def at(url: str) -> str:
        settings = Settings()
        venue = attrs.evolve(settings.venue, polybolt_ws_url=url)
        return unsafe_address(attrs.evolve(settings, venue=venue))

    assert at("ws://127.0.0.1:8080/polybolt") == ""
    assert at("wss://ws-live-v2.polymarket.com/ws") == ""
    assert "unencrypted" in at("ws://ws-live-v2.polymarket.com/ws")
    assert "unencrypted" in at("ws://127.0.0.1.example.com/ws")


# Handing over

SEEN_BY_A_CHILD = """
import json, os, sys
from pathlib import Path
from understudy.credentials.price_feed import find_credentials
found = find_credentials(Path("/nonexistent"))
print(json.dumps([found.credentials.key, found.place, dict(os.environ)]))
"""


def test_the_executors_credentials_reach_the_feed_by_a_file_without_a_name(
    tmp_path: Path,
) -> None:
    with credentials_for_the_feed(is_live=True, is_local=False):
        with pytest.raises(CredentialsUnavailable, match="has no API credentials yet"):
            find_credentials(tmp_path)
        publish_accounts_own(OTHERS)
        publish_accounts_own(MINE)
        assert find_credentials(tmp_path).credentials == MINE
        asked = subprocess.run(
            [sys.executable, "-c", SEEN_BY_A_CHILD], capture_output=True, text=True, check=True
        )
        key, place, environment = json.loads(asked.stdout)
        assert (key, place) == ("my-key", "this run")
        assert not [value for value in environment.values() if "my-secret" in value]
    assert ACCOUNT_VARIABLE not in os.environ
    publish_accounts_own(MINE)  # to nobody


def test_parts_that_are_still_in_the_environment_start_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in parts_of(MINE).items():
        monkeypatch.setenv(name, value)
    with (
        pytest.raises(CredentialsUnavailable, match="still in the environment"),
        credentials_for_the_feed(is_live=False, is_local=False),
    ):
        raise AssertionError("not reached")


def test_a_local_exchange_s_processes_inherit_no_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in parts_of(MINE).items():
        monkeypatch.setenv(name, value)
    with credentials_for_the_feed(is_live=False, is_local=True):
        assert not [value for value in os.environ.values() if "my-" in value]


def test_a_fork_does_not_have_the_files_of_secrets() -> None:
    with private_file() as (path, descriptor):
        os.write(descriptor, b"words")
        pid = os.fork()
        if pid == 0:
            os._exit(0 if not Path(f"/proc/self/fd/{descriptor}").exists() else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert Path(path).read_bytes() == b"words"
    assert not Path(path).exists()


def test_a_persons_own_credentials_are_not_shown_to_a_local_exchange(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(written(tmp_path / "mine")))
    written(tmp_path / CREDENTIALS_NAME)
    with (
        credentials_for_the_feed(is_live=False, is_local=True),
        pytest.raises(CredentialsUnavailable, match="has no API credentials yet"),
    ):
        find_credentials(tmp_path)
    assert find_credentials(tmp_path).credentials == MINE


def test_in_paper_trading_the_data_directorys_are_used(tmp_path: Path) -> None:
    written(tmp_path / CREDENTIALS_NAME)
    with credentials_for_the_feed(is_live=False, is_local=False):
        assert find_credentials(tmp_path).credentials == MINE


def test_half_of_them_start_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PART_VARIABLES[1], "my-secret")
    with (
        pytest.raises(CredentialsUnavailable, match=PART_VARIABLES[0]),
        credentials_for_the_feed(is_live=False, is_local=False),
    ):
        raise AssertionError("not reached")
