"""``understudy credentials``: API credentials for the price feed, made for nothing else."""

from __future__ import annotations

import os
import secrets
import subprocess
from pathlib import Path

import click

from actors.feeds.polybolt import ApiCredentials, CredentialsUnavailable
from actors.runtime.private_files import write_plain
from understudy.commands import shared
from understudy.credentials.price_feed import (
    CREDENTIALS_NAME,
    KEY_NAME,
    credentials_of,
    credentials_text,
    find_credentials,
)
from understudy.credentials.private_key import FILE_VARIABLE, KEY_VARIABLE
from understudy.data_dir.privacy import NotPrivate, make_private
from understudy.display.terminal import echo_shown, warn
from understudy.processes.isolation import module_command
from understudy.teaching import group

_SHOWN_CHARS = 8
_QUESTION = """\
PolyBolt, the venue's price service, requires API credentials.
This makes a new private key, for prices only, and asks {host} for its credentials.
It costs nothing, and the key holds no money: never send it any.
Both are kept in {directory}, readable by you alone. Go on?"""


@group(
    examples={
        "understudy credentials new": "create credentials once; they are free",
        "understudy credentials show": "which ones a run would use, without their secrets",
    },
)
def credentials() -> None:
    """API credentials for the price feed, which PolyBolt asks for.

    Live trading uses the account's own and needs nothing from here. Otherwise the credentials are
    those in the file named by UNDERSTUDY_API_CREDENTIALS_FILE (JSON with apiKey, secret and
    passphrase, mode 0600), those in UNDERSTUDY_API_KEY, UNDERSTUDY_API_SECRET and
    UNDERSTUDY_API_PASSPHRASE, or those that `new` created in the data directory. `understudy
    doctor` says whether the venue accepts them.
    """


@credentials.command(
    examples={
        "understudy credentials new": "asks before it does anything",
        "understudy credentials new --yes": "for a script",
    },
)
@shared.config_option
@shared.assignment_option
@shared.data_dir_option
@click.option("--yes", "is_agreed", is_flag=True, help="Do not ask.")
def new(
    config_path: Path | None, assignments: tuple[str, ...], data_dir: Path, *, is_agreed: bool
) -> None:
    """Create a key for prices only, and get its API credentials from the venue.

    If repeated, the key stays, and its credentials are fetched again. A system that runs on the
    data directory uses them within seconds.

    Exit codes: 0 ok, 1 the venue gives none, 2 bad input.
    """
    clob_url = shared.load_config(config_path, assignments).settings.venue.clob_url
    directory = data_dir.expanduser().absolute()
    question = _QUESTION.format(host=clob_url, directory=directory)
    if not is_agreed and not click.confirm(question):
        shared.fail("nothing was done")
    path = directory / CREDENTIALS_NAME
    try:
        with shared.failing_on(CredentialsUnavailable, NotPrivate):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            warn(make_private(directory))
            found = _from_venue(clob_url, _key_file(directory))
            write_plain(path, credentials_text(found) + "\n")
    except OSError as problem:
        shared.fail(f"{problem.filename or directory} cannot be written: {problem.strerror}")
    echo_shown(f"API key {_short(found)} is in {path}: for prices only")


@credentials.command(
    examples={"understudy credentials show": "never shows a secret"},
)
@shared.data_dir_option
def show(data_dir: Path) -> None:
    """Show which credentials a run with simulated orders would use, without secrets.

    Exit codes: 0 there are some, 1 there are none.
    """
    with shared.failing_on(CredentialsUnavailable):
        found = find_credentials(data_dir.expanduser().absolute())
    echo_shown(f"API key {_short(found.credentials)} from {found.place}")


def _key_file(directory: Path) -> Path:
    """The file with the key for prices, created if there is none."""
    path = directory / KEY_NAME
    if not path.exists():
        write_plain(path, f"0x{secrets.token_hex(32)}\n")
    return path


def _from_venue(clob_url: str, key_path: Path) -> ApiCredentials:
    environment = {name: text for name, text in os.environ.items() if name != KEY_VARIABLE}
    asked = subprocess.run(  # noqa: S603 # our own module, an address of our configuration
        module_command("understudy.credentials.key_credentials", clob_url),
        env=environment | {FILE_VARIABLE: str(key_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        lines = asked.stderr.strip().splitlines() or ["the venue could not be asked"]
        raise CredentialsUnavailable(f"no API credentials: {lines[-1]}")
    return credentials_of(asked.stdout, "the venue's answer")


def _short(found: ApiCredentials) -> str:
    """Enough of the API key to tell it from others."""
    return f"{found.key[:_SHOWN_CHARS]}…"
