"""When the exchange takes orders: always, except around a restart and in emergencies."""

from __future__ import annotations

import enum
import math

from venue.ordering.refusal import RequestRefused

RESTART_MS = 90_000
POST_ONLY_MS = 120_000
"""What follows a restart, as the venue documents it."""

POST_ONLY_TEXT = "post-only mode: only post-only orders and cancels are allowed"
_CANCEL_ONLY_TEXT = (
    "Trading is currently cancel-only. New orders are not accepted, but cancels are allowed."
)
_DISABLED_TEXT = "Trading is currently disabled. Check polymarket.com for updates"
_RESTARTING_TEXT = "the matching engine is restarting"
"""The venue documents the status; its words are not known."""


class EntryMode(enum.Enum):
    """What the exchange lets in."""

    OPEN = "open"
    RESTARTING = "restarting"
    """Nothing: the engine is away."""
    POST_ONLY = "post_only"
    """Cancels, and orders that only rest."""
    CANCEL_ONLY = "cancel_only"
    DISABLED = "disabled"
    """Nothing."""


class OrderEntry:
    """The door: which mode holds, and until when."""

    def __init__(self) -> None:
        self._modes: list[tuple[EntryMode, int]] = []

    def restart(self, now_ms: int, for_ms: int = RESTART_MS) -> None:
        """Be away for a while; then be post-only for as long as after every restart."""
        away_until_ms = now_ms + for_ms
        self._modes = [
            (EntryMode.RESTARTING, away_until_ms),
            (EntryMode.POST_ONLY, away_until_ms + POST_ONLY_MS),
        ]

    def restrict(self, mode: EntryMode, now_ms: int, for_ms: int) -> None:
        """Hold one mode for a while."""
        self._modes = [(mode, now_ms + for_ms)]

    def open(self) -> None:
        """Let everything in again."""
        self._modes = []

    def mode(self, now_ms: int) -> EntryMode:
        """The mode that holds now."""
        return self._current(now_ms)[0]

    def admit_order(self, now_ms: int, *, is_post_only: bool) -> None:
        """Let one order pass.

        Raises:
            RequestRefused: the mode does not allow it.
        """
        mode, wait_ms = self._current(now_ms)
        self._refuse_if_closed(mode, wait_ms)
        if mode is EntryMode.CANCEL_ONLY:
            raise RequestRefused(503, _CANCEL_ONLY_TEXT)
        if mode is EntryMode.POST_ONLY and not is_post_only:
            raise RequestRefused(503, POST_ONLY_TEXT, code="post_only_mode")

    def admit_cancel(self, now_ms: int) -> None:
        """Let a cancel pass.

        Raises:
            RequestRefused: the mode does not allow it.
        """
        self._refuse_if_closed(*self._current(now_ms))

    def _current(self, now_ms: int) -> tuple[EntryMode, int]:
        for mode, until_ms in self._modes:
            if now_ms < until_ms:
                return mode, until_ms - now_ms
        return EntryMode.OPEN, 0

    def _refuse_if_closed(self, mode: EntryMode, wait_ms: int) -> None:
        if mode is EntryMode.RESTARTING:
            raise RequestRefused(425, _RESTARTING_TEXT, retry_after_s=math.ceil(wait_ms / 1000))
        if mode is EntryMode.DISABLED:
            raise RequestRefused(503, _DISABLED_TEXT)
