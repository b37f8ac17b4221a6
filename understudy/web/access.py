"""Access control: the token, the session's cookie, host names and origins.

A session's cookie is signed with the token. So a restarted server still accepts it, and a new token
ends every session.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

from actors.runtime.private_files import write_plain
from understudy.credentials.private_key import FileNotPrivate, private_text

TOKEN_NAME = "web-token"  # noqa: S105 # a file's name
SESSION_S = 12 * 3_600
"""How long a session lasts."""
_TOKEN_BYTES = 32
_TOKEN_CHARS_MIN = 20
_FILE_CHARS_MAX = 400


class NoToken(Exception):
    """There is no usable token; the sentence says why, and never quotes any of it."""


def read_token(data_dir: Path) -> str:
    """Read the data directory's token.

    Raises:
        NoToken: there is none, others can read it, or it is too short.
    """
    path = data_dir / TOKEN_NAME
    if not path.exists():
        raise NoToken("there is no token: `understudy web token` makes one")
    try:
        text = private_text(path, _FILE_CHARS_MAX).strip()
    except FileNotPrivate as problem:
        raise NoToken(str(problem)) from None
    if len(text) < _TOKEN_CHARS_MIN:
        raise NoToken(f"{path} does not hold a token: `understudy web token --new` makes one")
    return text


def new_token(data_dir: Path) -> str:
    """Make a new token in place of any other; all sessions end.

    Raises:
        OSError: it cannot be written.
    """
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    write_plain(data_dir / TOKEN_NAME, token + "\n")
    return token


def is_token(data_dir: Path, said: str) -> bool:
    """Whether this is the token, compared in constant time.

    Raises:
        NoToken: as ``read_token``.
    """
    known = read_token(data_dir)
    return hmac.compare_digest(known.encode(), said.strip().encode(errors="replace"))


def new_session(data_dir: Path, now_s: float) -> str:
    """Make the cookie's value for somebody who has given the token.

    Raises:
        NoToken: as ``read_token``.
    """
    body = f"{int(now_s) + SESSION_S}.{secrets.token_urlsafe(12)}"
    return f"{body}.{_signature(read_token(data_dir), 'session', body)}"


def is_session(data_dir: Path, cookie: str, now_s: float) -> bool:
    """Whether a cookie was signed with this data directory's token, and has not expired."""
    body, _, signature = cookie.rpartition(".")
    try:
        wanted = _signature(read_token(data_dir), "session", body)
    except NoToken:
        return False
    if not hmac.compare_digest(wanted.encode(), signature.encode(errors="replace")):
        return False
    return int(body.partition(".")[0]) > now_s


def form_token(data_dir: Path, cookie: str) -> str:
    """The value that this session's forms must contain, so that another site's form is refused.

    Raises:
        NoToken: as ``read_token``.
    """
    return _signature(read_token(data_dir), "form", cookie)


def is_form_token(data_dir: Path, cookie: str, said: str) -> bool:
    """Whether a form contains this session's value."""
    try:
        wanted = form_token(data_dir, cookie)
    except NoToken:
        return False
    return hmac.compare_digest(wanted.encode(), said.encode(errors="replace"))


def _signature(token: str, purpose: str, text: str) -> str:
    words = f"{purpose} {text}".encode(errors="replace")
    return hmac.new(token.encode(), words, hashlib.sha256).hexdigest()


def is_loopback_address(host: str) -> bool:
    """Whether only this machine can reach an address.

    Raises:
        ValueError: it is not an IP address.
    """
    return ipaddress.ip_address(host).is_loopback


def is_host_allowed(host: str, names: Collection[str]) -> bool:
    """Whether a request's ``Host`` is allowed.

    Another site may point its own name here (DNS rebinding), so a name must be known; an address
    cannot be redirected like that.
    """
    name = _name_of(host)
    if name is None:
        return False
    if name == "localhost" or name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_same_origin(origin: str, host: str) -> bool:
    """Whether a request's ``Origin`` is the page itself; a TLS proxy may be in front of it."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and parts.netloc == host


def _name_of(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        return parts.hostname if parts.port != 0 and parts.netloc == host else None
    except ValueError:
        return None
