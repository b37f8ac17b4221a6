"""Targets of alerts: addresses of apprise, which contain passwords and tokens, and so are secrets.

They come from the environment or from a file readable by its user only, never from a configuration
or the command line. What is printed, logged or saved shows only a scheme and a number of each.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from understudy.credentials.private_key import FileNotPrivate, private_text

URLS_VARIABLE = "UNDERSTUDY_ALERTS"
DEADMAN_VARIABLE = "UNDERSTUDY_ALERTS_DEADMAN"
FILE_VARIABLE = "UNDERSTUDY_ALERTS_FILE"
_DEADMAN_WORD = "deadman"
_FILE_CHARS_MAX = 65_536


class TargetsUnusable(Exception):
    """No usable targets are configured; the sentence contains no secret."""


@attrs.frozen(kw_only=True)
class Target:
    """One address to which alerts go."""

    name: str
    """Scheme and number, such as ``mailtos-1``: what people see, and what is saved."""
    url: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Targets:
    """All targets."""

    alerts: tuple[Target, ...]
    deadman_url: str = attrs.field(default="", repr=False)
    """Pinged while all is well; empty if none is named."""


def read_targets(environment: Mapping[str, str] | None = None) -> Targets:
    """Read the targets.

    Args:
        environment: variables to read; None for this process's.

    Raises:
        TargetsUnusable: nothing is named, it is named twice, or others can read the file.
    """
    variables = os.environ if environment is None else environment
    urls, path = variables.get(URLS_VARIABLE, ""), variables.get(FILE_VARIABLE, "")
    deadman_url = variables.get(DEADMAN_VARIABLE, "").strip()
    if path and (urls or deadman_url):
        both = URLS_VARIABLE if urls else DEADMAN_VARIABLE
        raise TargetsUnusable(f"{both} and {FILE_VARIABLE} are both set: unset one")
    if path:
        return _of_file(Path(path))
    return _targets(urls.split(), deadman_url, URLS_VARIABLE)


def _of_file(path: Path) -> Targets:
    try:
        text = private_text(path, _FILE_CHARS_MAX)
    except FileNotPrivate as problem:
        raise TargetsUnusable(str(problem)) from None
    urls, deadman_url = [], ""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == _DEADMAN_WORD and len(words) == 2:
            deadman_url = words[1]
        elif len(words) == 1:
            urls.append(words[0])
        else:
            raise TargetsUnusable(
                f"{path}, line {number}: must be one address, or {_DEADMAN_WORD} and one address"
            )
    return _targets(urls, deadman_url, str(path))


def _targets(urls: list[str], deadman_url: str, source: str) -> Targets:
    if not urls and not deadman_url:
        raise TargetsUnusable(
            "no alert target is named: put one apprise address a line into a file of "
            f"mode 0600 and name it in {FILE_VARIABLE}, or set {URLS_VARIABLE}"
        )
    if deadman_url and urlsplit(deadman_url).scheme not in ("http", "https"):
        raise TargetsUnusable(f"the dead man's address in {source} is neither http nor https")
    counts: dict[str, int] = {}
    targets = []
    for number, url in enumerate(urls, 1):
        scheme = url.partition("://")[0].lower()
        if "://" not in url or not scheme.isalnum():
            raise TargetsUnusable(f"address {number} in {source} has no scheme, such as mailtos://")
        counts[scheme] = counts.get(scheme, 0) + 1
        targets.append(Target(name=f"{scheme}-{counts[scheme]}", url=url))
    return Targets(alerts=tuple(targets), deadman_url=deadman_url)
