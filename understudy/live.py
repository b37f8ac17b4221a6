"""Whether a run may trade real money; asked before anything is started."""

from __future__ import annotations

from actors.settings import Settings
from understudy.secrets import KeyUnavailable, read_private_key

LIVE_FLAG = "--i-understand-this-is-real-money"


class LiveRefused(Exception):
    """A run with real money was about to start that must not; one sentence says why."""


def live_refusal(settings: Settings, *, is_understood: bool) -> str | None:
    """Say in one sentence why the run must not start; None if it may.

    Args:
        settings: the whole configuration.
        is_understood: whether the command line has ``LIVE_FLAG``.
    """
    execution = settings.execution
    if execution.mode != "live":
        if is_understood:
            return f'{LIVE_FLAG} is for execution.mode = "live", and it is "{execution.mode}"'
        return None
    if not is_understood:
        return f'execution.mode = "live" trades real money: add {LIVE_FLAG}'
    if execution.durability != "full":
        return (
            'execution.mode = "live" needs execution.durability = "full": a record of real money '
            "must survive a power cut"
        )
    try:
        read_private_key()
    except KeyUnavailable as problem:
        return str(problem)
    return None
