"""Origin of the price feed's API credentials, and their way between processes.

They are the CLOB's: key, secret and passphrase. They are not read-only, so they are secrets, and
travel like the private key: in a file readable by its user only, never in a message, a journal or a
log. The price feed reads them when it sends them, and never sees the private key:

1. those that a variable names: a file, or the three parts; 2. in live mode the account's own. The
executor, which has the key, gets them from the venue, and writes them, also when it renews them, to
a file that the foreground made for it; 3. those that ``understudy credentials new`` made in the
data directory.

A local exchange provides test credentials of its own, which replace all of these.
"""

from __future__ import annotations

import contextlib
import json
import os
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from actors.feeds.polybolt import (
    ApiCredentials,
    CredentialsNotYet,
    CredentialsUnavailable,
    FoundCredentials,
)
from actors.proxies import is_on_this_host
from actors.settings import Settings
from understudy.credentials.private_key import (
    FileNotPrivate,
    private_file,
    private_text,
    variables_restored,
)

FILE_VARIABLE = "UNDERSTUDY_API_CREDENTIALS_FILE"
PART_VARIABLES = ("UNDERSTUDY_API_KEY", "UNDERSTUDY_API_SECRET", "UNDERSTUDY_API_PASSPHRASE")
ACCOUNT_VARIABLE = "UNDERSTUDY_ACCOUNT_CREDENTIALS_FILE"
"""Names the file that the executor writes; set by a run for its own processes."""
CREDENTIALS_NAME = "api-credentials.json"
KEY_NAME = "price-key"
"""Names of files in the data directory: the credentials, and the key that they were made with."""

_FILE_CHARS_MAX = 2_000
_LOCAL_LIMIT_S = 5.0
_FIELDS = ("apiKey", "secret", "passphrase")


def find_credentials(
    data_dir: Path, environment: Mapping[str, str] | None = None
) -> FoundCredentials:
    """Read the credentials that the price feed sends.

    Args:
        data_dir: the run's data directory.
        environment: variables to read; None for this process's.

    Raises:
        CredentialsUnavailable: there are none, or none that may be used.
    """
    variables = os.environ if environment is None else environment
    parts = [variables.get(name, "") for name in PART_VARIABLES]
    named = variables.get(FILE_VARIABLE, "")
    if named and any(parts):
        raise CredentialsUnavailable(f"{FILE_VARIABLE} and {PART_VARIABLES[0]} are both set")
    if any(parts):
        return FoundCredentials(_of_parts(parts), "the environment")
    if named:
        # A file that a run made for its processes has no name.
        place = "the environment" if named.startswith("/proc/") else named
        return FoundCredentials(read_credentials(Path(named)), place)
    account = variables.get(ACCOUNT_VARIABLE, "")
    if account:
        return _accounts_own(Path(account))
    path = data_dir / CREDENTIALS_NAME
    if path.exists():
        return FoundCredentials(read_credentials(path), str(path))
    raise CredentialsUnavailable(
        "there are no API credentials: `understudy credentials new` creates some, for free"
    )


def read_credentials(path: Path) -> ApiCredentials:
    """Read a file of credentials in the form of the venue's answer: JSON with its three fields.

    Raises:
        CredentialsUnavailable: it cannot be read, others can read it, or it has other contents.
    """
    try:
        text = private_text(path, _FILE_CHARS_MAX)
    except FileNotPrivate as problem:
        raise CredentialsUnavailable(str(problem)) from None
    return credentials_of(text, str(path))


def credentials_of(text: str, place: str) -> ApiCredentials:
    """Parse credentials in the form of the venue's answer; ``place`` is for the sentence.

    Raises:
        CredentialsUnavailable: it is something else; the sentence quotes nothing of it.
    """
    try:
        fields = json.loads(text)
        parts = [fields[name] for name in _FIELDS]
    except (ValueError, KeyError, TypeError):
        parts = []
    if not parts or not all(isinstance(part, str) and part for part in parts):
        wanted = ", ".join(_FIELDS)
        raise CredentialsUnavailable(f"{place} does not hold API credentials: JSON with {wanted}")
    return ApiCredentials(*parts)


def credentials_text(credentials: ApiCredentials) -> str:
    """Write credentials in the form that ``read_credentials`` reads; a secret."""
    parts = (credentials.key, credentials.secret, credentials.passphrase)
    return json.dumps(dict(zip(_FIELDS, parts, strict=True)))


def publish_accounts_own(credentials: ApiCredentials) -> None:
    """Write the account's own credentials where this run's price feed reads them."""
    path = os.environ.get(ACCOUNT_VARIABLE, "")
    if not path:
        return
    # The file ends with the foreground process. Trading goes on; the feed reports what it lacks.
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY)
        try:
            text = credentials_text(credentials).encode()
            os.pwrite(descriptor, text, 0)
            os.ftruncate(descriptor, len(text))
        finally:
            os.close(descriptor)


def take_test_credentials(http_url: str) -> str:
    """Fetch the local exchange's own test credentials for the price feed.

    Returns:
        A sentence if that failed; the feed then has the older price source only.
    """
    request = f"{http_url}/auth/test-api-key"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=_LOCAL_LIMIT_S) as answer:
            text = answer.read(_FILE_CHARS_MAX).decode()
        publish_accounts_own(credentials_of(text, request))
    except (OSError, ValueError, CredentialsUnavailable) as problem:
        return f"no test credentials for PolyBolt: {problem}"
    return ""


@contextlib.contextmanager
def credentials_for_the_feed(*, is_live: bool, is_local: bool) -> Iterator[None]:
    """Prepare the place from which processes forked within the block read credentials.

    On a local exchange a person's own credentials are not used at all.

    Args:
        is_live: orders are live, so the executor gets credentials.
        is_local: the exchange is a local one.

    Raises:
        CredentialsUnavailable: the variables are invalid.
    """
    with variables_restored(FILE_VARIABLE, ACCOUNT_VARIABLE), contextlib.ExitStack() as files:
        if is_local or is_live:
            os.environ[ACCOUNT_VARIABLE] = files.enter_context(private_file())[0]
        if is_local:
            for name in (FILE_VARIABLE, *PART_VARIABLES):
                os.environ.pop(name, None)
        elif any(os.environ.get(name) for name in PART_VARIABLES):
            find_credentials(Path())
            raise CredentialsUnavailable(
                f"{PART_VARIABLES[0]} is still in the environment, where every process of the run "
                "would see it: use the command `understudy`"
            )
        yield


def unsafe_address(settings: Settings) -> str:
    """Why credentials must not be sent to PolyBolt's address; empty if they may."""
    url = settings.venue.polybolt_ws_url
    if urlsplit(url).scheme == "wss" or is_on_this_host(url):
        return ""
    return f"credentials are not sent unencrypted: {url} is not wss://"


def _of_parts(parts: list[str]) -> ApiCredentials:
    unset = [name for name, part in zip(PART_VARIABLES, parts, strict=True) if not part]
    if unset:
        raise CredentialsUnavailable(f"{', '.join(unset)} must be set as well")
    return ApiCredentials(*parts)


def _accounts_own(path: Path) -> FoundCredentials:
    place = "this run"
    try:
        text = private_text(path, _FILE_CHARS_MAX)
    except FileNotPrivate as problem:
        raise CredentialsUnavailable(str(problem)) from None
    if not text:
        raise CredentialsNotYet("this run has no API credentials yet")
    return FoundCredentials(credentials_of(text, place), place)
