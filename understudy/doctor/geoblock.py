"""Check: whether the venue takes orders from where this host is."""

from __future__ import annotations

import json

from understudy.doctor.findings import Finding, failed, passed, skipped, warned
from understudy.doctor.network import Unreachable, fetch
from understudy.doctor.subject import GEOBLOCK_URL, Subject, host_of

NAME = "geoblock"
_ADVICE = "read the venue's page on geographic restrictions; do not trade from here"

_ASK = f"open {GEOBLOCK_URL} on this host, and read what it says"


async def check_geoblock(subject: Subject) -> Finding:
    """Ask the venue's website; its answer is about the address that the question comes from."""
    url = subject.geoblock_url
    if url is None:
        return skipped(NAME, "a local exchange takes orders from everywhere")
    try:
        answer = await fetch(url)
        told = json.loads(answer.body) if answer.status == 200 else None
    except Unreachable as problem:
        return _unknown(str(problem), problem.cause)
    except ValueError:
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("blocked"), bool):
        return _unknown(f"{host_of(url)} answered {answer.status} without an answer")
    place = "-".join(str(told[name]) for name in ("country", "region") if told.get(name))
    if not told["blocked"]:
        return passed(NAME, f"the venue takes orders from here ({place or 'place unknown'})")
    sentence = f"the venue takes no orders from here ({place or 'place unknown'})"
    if not subject.is_live:
        return warned(NAME, f"{sentence}; simulated ones do not mind", _ADVICE)
    return failed(NAME, sentence, _ADVICE)


def _unknown(reason: str, cause: str = "") -> Finding:
    sentence = f"it is unknown whether orders are taken from here: {reason}"
    return warned(NAME, sentence, _ASK, cause)
