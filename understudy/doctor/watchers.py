"""Checks of the watchers: they have what they need, and only the right people reach the page."""

from __future__ import annotations

import socket

from understudy.doctor.findings import Finding, failed, passed, warned
from understudy.doctor.subject import Subject
from understudy.running.watchers_wanted import watchers_refusal, watchers_text
from understudy.web.access import NoToken, is_loopback_address, read_token

WATCHERS = "watchers"


def check_watchers(subject: Subject) -> Finding:
    """Say where alerts and metrics go; fail if alerts would reach nobody."""
    settings = subject.settings
    refusal = watchers_refusal(settings, subject.variables)
    if refusal is not None:
        return failed(WATCHERS, refusal, "see docs/alerts.md and docs/metrics.md, or turn it off")
    words = watchers_text(settings, subject.variables)
    if settings.metrics.enabled and not is_free(settings.metrics.port):
        advice = "end it, or set metrics.port; if it is this system's own, all is well"
        return warned(WATCHERS, f"{words}, where another process listens", advice)
    return passed(WATCHERS, words)


def is_free(port: int) -> bool:
    """Whether no process listens on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


PAGE = "page"
_USE_TLS = "keep it on 127.0.0.1 and put a proxy with TLS before it: docs/web.md"


def check_page(subject: Subject) -> Finding:
    """Say who can reach the page; fail if it would not start, warn if the token could be read."""
    page = subject.settings.web
    if not page.enabled:
        return passed(PAGE, "a run has none beside it")
    try:
        is_loopback = is_loopback_address(page.host)
    except ValueError:
        return failed(PAGE, f"web.host {page.host!r} is not an IP address", "name one")
    where = f"the page is on {page.host}:{page.port}"
    if not is_loopback or page.names or page.login:
        try:
            read_token(subject.data_dir)
        except NoToken as problem:
            return failed(PAGE, f"{where}, and others can reach it: {problem}", "see docs/web.md")
    if not is_loopback:
        return warned(
            PAGE, f"{where}: the token and all else can be read on the way there", _USE_TLS
        )
    if not is_free(page.port):
        advice = "end it, or set web.port; if it is this system's own, all is well"
        return warned(PAGE, f"{where}, where another process listens", advice)
    readers = "whoever has logged in" if page.names or page.login else "every user of this machine"
    return passed(PAGE, f"{where}, readable for {readers}")
