"""The choice of proxies, used by everything that connects.

This host is never reached through a proxy. For other hosts the usual environment variables apply,
as in curl and Python: ``HTTPS_PROXY`` for https and wss, ``HTTP_PROXY`` for http and ws,
``ALL_PROXY`` where the specific one is missing, and ``NO_PROXY`` for hosts that are reached
directly; the lower-case name takes precedence. Only http:// proxies are supported, because HTTP,
websockets and the venue's client must all use the same one; docs/decisions/proxies.md.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

import attrs

_SCHEMES = {"http": "http", "ws": "http", "https": "https", "wss": "https"}
_PORTS = {"http": 80, "https": 443}


class ProxyRefused(ValueError):
    """The environment names a proxy that cannot be used; the sentence says which, and why."""


@attrs.frozen(repr=False)
class Proxy:
    """An HTTP proxy from the environment."""

    variable: str
    url: str
    """With user and password, if it has them: for connecting, never for display."""

    @property
    def host(self) -> str:
        """Its host and port, which may be shown."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


def proxy_url(url: str) -> str | None:
    """Return the proxy for a connection to an address, usable by any client; None: direct.

    Raises:
        ProxyRefused: the environment names a proxy that cannot be used.
    """
    proxy = proxy_for(url, os.environ)
    return None if proxy is None else proxy.url


def proxy_for(url: str, variables: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for an http, https, ws or wss address; None: direct.

    Raises:
        ProxyRefused: the environment names a proxy that cannot be used.
    """
    parts = urlsplit(url)
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname or is_on_this_host(url):
        return None
    named = _named(f"{scheme}_proxy", variables) or _named("all_proxy", variables)
    if named is None or _is_exempt(parts, _named("no_proxy", variables)):
        return None
    variable, value = named
    return _usable(variable, value if "://" in value else f"http://{value}")


def is_on_this_host(url: str) -> bool:
    """Return whether an address names this host: ``localhost``, or a loopback address."""
    host = urlsplit(url).hostname or ""
    if host.rstrip(".").lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _named(name: str, variables: Mapping[str, str]) -> tuple[str, str] | None:
    """Return a variable of either case; a lower-case one takes precedence even if it is empty."""
    for each in (name, name.upper()):
        if each in variables:
            value = variables[each].strip()
            return (each, value) if value else None
    return None


def _is_exempt(parts: SplitResult, no_proxy: tuple[str, str] | None) -> bool:
    entries = no_proxy[1].replace(",", " ").split() if no_proxy is not None else []
    return any(_covers(entry.lower(), parts) for entry in entries)


def _covers(entry: str, parts: SplitResult) -> bool:
    """Return whether a NO_PROXY entry is ``*``, the host, a parent domain, or its network.

    A name may be followed by a port, and preceded by a point or an asterisk.
    """
    host = (parts.hostname or "").rstrip(".")
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        name, _, port = entry.partition(":")
    if port and port != str(parts.port or _PORTS[_SCHEMES[parts.scheme]]):
        return False
    name = name.removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _usable(variable: str, url: str) -> Proxy:
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is not a number, or a bracket is missing
        raise ProxyRefused(f"{variable} does not name a proxy: its address is malformed") from None
    if parts.scheme != "http":
        raise ProxyRefused(
            f"{variable} names a {parts.scheme}:// proxy; only http:// proxies can be used"
        )
    if not is_whole or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ProxyRefused(f"{variable} does not name a proxy: must be http://host:port")
    if (parts.username is None) != (parts.password is None):
        raise ProxyRefused(f"{variable} needs both a user and a password, or neither")
    if "%" in parts.netloc:  # HTTP clients would decode it, websockets would not
        raise ProxyRefused(f"{variable} has an escaped character (%) in user or password")
    port = "" if parts.port is not None else ":80"
    return Proxy(variable, f"http://{parts.netloc}{port}")
