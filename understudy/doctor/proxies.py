"""Check of the proxies that the environment puts between this host and the venue."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import attrs

from actors.proxies import Proxy, ProxyRefused, proxy_for
from actors.settings import VenueSettings
from understudy.doctor.findings import Finding, failed, passed
from understudy.doctor.subject import Subject, host_of

NAME = "proxy"
_ADVICE = "name an http:// proxy, exempt the venue's hosts in NO_PROXY, or unset the variable"


def check_proxies(subject: Subject) -> Finding:
    """Report the hosts that are reached through a proxy; refuse a proxy that cannot be used."""
    try:
        proxies = proxies_of(subject.settings.venue, subject.variables)
    except ProxyRefused as refused:
        return failed(NAME, str(refused), _ADVICE)
    through: dict[str, list[str]] = {}
    for host, proxy in proxies.items():
        if proxy is not None:
            through.setdefault(f"{proxy.variable} {proxy.host}", []).append(host)
    if not through:
        return passed(NAME, "every address is reached directly")
    said = (f"{', '.join(hosts)} through {proxy}" for proxy, hosts in through.items())
    return passed(NAME, "; ".join(said))


def proxies_of(venue: VenueSettings, variables: Mapping[str, str]) -> dict[str, Proxy | None]:
    """The proxy of every host in ``[venue]``, or None; addresses without a host are left out.

    Raises:
        ProxyRefused: the environment names one that cannot be used, for one of them.
    """
    found: dict[str, Proxy | None] = {}
    for url in attrs.astuple(venue):
        if isinstance(url, str) and _names_a_host(url):
            found[host_of(url)] = proxy_for(url, variables)
    return found


def _names_a_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False
