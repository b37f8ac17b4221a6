"""Entry point of the ``understudy`` command: makes the process private before it does anything.

A process started manually may have a working directory or a ``PYTHONPATH`` to import from, and a
secret in a variable, which it and all its forks would have in memory and show in ``/proc``. So it
replaces itself once by a process that has neither. The secrets are then in memory that no address
space maps, and only the process that reads them holds them. Until then nothing may be imported that
Python has not loaded already: it might be somebody else's.
"""

from __future__ import annotations

import os
import sys

_KEPT = {
    "PYTHONCOERCECLOCALE",
    "PYTHONDEVMODE",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONFAULTHANDLER",
    "PYTHONHASHSEED",
    "PYTHONIOENCODING",
    "PYTHONUNBUFFERED",
    "PYTHONUTF8",
}
"""Variables of Python's that name no place to load anything from."""
_KEY, _KEY_FILE = "UNDERSTUDY_PRIVATE_KEY", "UNDERSTUDY_PRIVATE_KEY_FILE"
_PARTS = ("UNDERSTUDY_API_KEY", "UNDERSTUDY_API_SECRET", "UNDERSTUDY_API_PASSPHRASE")
_PARTS_FILE = "UNDERSTUDY_API_CREDENTIALS_FILE"
_FIELDS = ("apiKey", "secret", "passphrase")
"""As in understudy/credentials, which cannot be imported yet."""


def main() -> None:
    """Run the command, in this process if it is private, otherwise in its successor."""
    given = dict(os.environ)
    environment = _fit_environment(given)
    if environment != given or not sys.flags.safe_path:
        words = [sys.executable, "-P", "-m", "understudy", *sys.argv[1:]]
        os.execve(sys.executable, words, environment)  # noqa: S606 # this very program
    _run()


def _fit_environment(given: dict[str, str]) -> dict[str, str]:
    """Variables that name no place to import from and hold no secret."""
    kept = {
        name: value
        for name, value in given.items()
        if not name.startswith("PYTHON") or name in _KEPT
    }
    # Contradictory or incomplete variables stay, and are refused by name where they are read.
    if kept.get(_KEY) and not kept.get(_KEY_FILE):
        kept[_KEY_FILE] = _in_memory(kept.pop(_KEY))
    parts = [kept.get(name, "") for name in _PARTS]
    if all(parts) and not kept.get(_PARTS_FILE):
        fields = zip(_FIELDS, parts, strict=True)
        text = ", ".join(f'"{field}": {_json_text(part)}' for field, part in fields)
        kept[_PARTS_FILE] = _in_memory(f"{{{text}}}")
        for name in _PARTS:
            del kept[name]
    return kept


def _in_memory(secret: str) -> str:
    """Path of a file without a name that this process keeps open across an exec."""
    descriptor = os.memfd_create("secret", 0)  # kept across the exec
    os.fchmod(descriptor, 0o600)
    os.write(descriptor, secret.encode(errors="surrogateescape"))
    return f"/proc/{os.getpid()}/fd/{descriptor}"


def _json_text(text: str) -> str:
    """A text as JSON writes it, all of it in ASCII."""
    return f'"{"".join(map(_json_sign, text))}"'


def _json_sign(sign: str) -> str:
    if sign.isascii() and sign.isprintable() and sign not in '"\\':
        return sign
    units = sign.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _run() -> None:
    from understudy.cli import main as run_command
    from understudy.credentials.private_key import keep_from_forks
    from understudy.processes.privacy import begin_private

    begin_private()
    for variable in (_KEY_FILE, _PARTS_FILE):
        keep_from_forks(os.environ.get(variable, ""))
    run_command(prog_name="understudy")
