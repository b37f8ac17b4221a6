"""Whether a run may trade with live orders, and for which account; checked before the start."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import attrs

from actors.execution.real.live_order import LiveOrder
from actors.proxies import is_on_this_host
from actors.runtime.journal import JournalReader
from actors.settings import Settings
from understudy.credentials.private_key import (
    KEY_VARIABLE,
    KeyUnavailable,
    account_of_key,
    file_for_a_key,
)

LIVE_FLAG = "--i-understand-this-is-real-money"
REHEARSAL_SPEED = 10.0
REHEARSAL_SPEED_MAX = 10.0
"""Signing and queries take real time; beyond this speed an order expires before they are done."""


class LiveRefused(Exception):
    """A run with live orders must not start; one sentence says why."""


def live_refusal(settings: Settings, *, is_understood: bool) -> str | None:
    """Say in one sentence why the run must not trade on the real venue; None if it may.

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
    return _refusal_of_addresses(settings)


def _refusal_of_addresses(settings: Settings) -> str | None:
    """Refuse unencrypted addresses: whoever changes books or prices decides what is bought."""
    for field in attrs.fields(type(settings.venue)):
        address = getattr(settings.venue, field.name)
        if not field.name.endswith("_url") or address is None:
            continue
        scheme = urlsplit(address).scheme
        if scheme in {"http", "ws"} and not is_on_this_host(address):
            return (
                f'execution.mode = "live" goes without encryption to this host alone, and '
                f"venue.{field.name} is {address}: give it {scheme}s://"
            )
    return None


def rehearsal_refusal(*, speed: float, is_understood: bool) -> str | None:
    """Say in one sentence why live orders must not be rehearsed like that; None if they may."""
    if is_understood:
        return f"a demo never trades real money: leave {LIVE_FLAG} out"
    if speed > REHEARSAL_SPEED_MAX:
        return (
            f"--speed {speed:g} is too fast for live orders, which need real answers in time: "
            f"{REHEARSAL_SPEED_MAX:g} at most"
        )
    return None


@contextlib.contextmanager
def live_account(settings: Settings, *, has_own_key: bool) -> Iterator[str]:
    """Provide the lower-case address of the account of live orders; empty if orders are simulated.

    Within the block, forks get the key only through the file that is named.

    Args:
        settings: the whole configuration.
        has_own_key: the key is the user's, or a drill's; otherwise a temporary one is made.

    Raises:
        LiveRefused: there is no usable key.
    """
    if settings.execution.mode != "live":
        yield ""
        return
    try:
        with contextlib.ExitStack() as hands:
            if not has_own_key:
                hands.enter_context(file_for_a_key())
            own = account_of_key(is_to_be_made=not has_own_key)
            _see_that_nobody_inherits_it()
            configured = settings.execution.wallet if has_own_key else None
            yield (configured or own).lower()
    except KeyUnavailable as problem:
        raise LiveRefused(str(problem)) from None


def _see_that_nobody_inherits_it() -> None:
    if KEY_VARIABLE in os.environ:
        raise KeyUnavailable(
            f"{KEY_VARIABLE} is still in the environment, where every process of the run would "
            "have it: use the command `understudy`"
        )


def orders_left(reader: JournalReader) -> str:
    """Say in one sentence which orders the venue may still have after the end; empty if none."""
    left = [
        live.order_id
        for live in reader.states("live", open_only=True)
        if isinstance(live, LiveOrder) and live.posted_at_ms and not live.is_final
    ]
    if not left:
        return ""
    return (
        f"it is not known whether {', '.join(left)} ended at the venue: start again on this data "
        "directory, which settles that, or look at the venue"
    )
