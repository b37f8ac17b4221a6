"""Check: the page beside a run is for those it is meant for, and nobody else can listen in."""

from __future__ import annotations

from understudy.doctor.findings import Finding, failed, passed, warned
from understudy.doctor.subject import Subject
from understudy.doctor.watchers import is_free
from understudy.web.access import NoToken, is_loopback_address, read_token

NAME = "page"
_TLS = "keep it on 127.0.0.1 and put a proxy with TLS before it: docs/web.md"


def check_page(subject: Subject) -> Finding:
    """Say who reaches the page; fail if it would not start, warn if the token could be read."""
    page = subject.settings.web
    if not page.enabled:
        return passed(NAME, "a run has none beside it")
    try:
        is_loopback = is_loopback_address(page.host)
    except ValueError:
        return failed(NAME, f"web.host {page.host!r} is not an IP address", "name one")
    where = f"the page is on {page.host}:{page.port}"
    if not is_loopback or page.names or page.login:
        try:
            read_token(subject.data_dir)
        except NoToken as problem:
            return failed(NAME, f"{where}, and others can reach it: {problem}", "see docs/web.md")
    if not is_loopback:
        return warned(NAME, f"{where}: the token and all else can be read on the way there", _TLS)
    if not is_free(page.port):
        advice = "end it, or set web.port; if it is this system's own, all is well"
        return warned(NAME, f"{where}, where another process listens", advice)
    readers = "whoever has logged in" if page.names or page.login else "every user of this machine"
    return passed(NAME, f"{where}, readable for {readers}")
