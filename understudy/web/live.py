"""Live updates of open pages: one observation serves all, and none is made while nobody watches.

A page is sent what has changed since the last time. So a slow reader skips what was in between and
costs no memory; one that does not read at all is disconnected.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from aiohttp import web

from understudy.display.html import Html
from understudy.watching.observation import Observation
from understudy.web.market_panels import PriceTrails
from understudy.web.now import now_panels

LOOK_EVERY_S = 0.5
CLIENTS_MAX = 256
"""Open pages served at once."""
_WRITE_LIMIT_S = 10.0
_LOG = logging.getLogger(__name__)

Look = Callable[[], Awaitable[Observation]]


class TooManyPages(Exception):
    """No more pages can be served at once."""


class LivePanels:
    """The panels of the newest observation, and the pages that wait for the next."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._trails = PriceTrails()
        self._lock = asyncio.Lock()
        self._seen: Observation | None = None
        self._looked_at_s = 0.0
        self._round = 0
        self._panels: dict[str, tuple[int, Html]] = {}
        """Each panel with the round of its last change."""
        self._frames: dict[int, bytes] = {}
        """What this round sends to pages last updated in a given round."""
        self._news = asyncio.Event()
        self._clients_count = 0
        self._watching: asyncio.Task[None] | None = None

    async def see(self) -> Observation:
        """Observe the system, unless that was done just now.

        Raises:
            OSError: the data directory is gone.
        """
        async with self._lock:
            if self._seen is None or time.monotonic() - self._looked_at_s > LOOK_EVERY_S:
                self._seen = await self._look()
                self._looked_at_s = time.monotonic()
                self._trails.note(self._seen.status)
                self._take(now_panels(self._seen, self._trails))
            return self._seen

    async def panels(self) -> Mapping[str, Html]:
        """The panels as they are now.

        Raises:
            OSError: as ``see``.
        """
        await self.see()
        return {key: panel for key, (_, panel) in self._panels.items()}

    def _take(self, panels: Mapping[str, Html]) -> None:
        self._round += 1
        self._frames.clear()
        for key, panel in panels.items():
            known = self._panels.get(key)
            if known is None or known[1] != panel:
                self._panels[key] = (self._round, panel)
        over, self._news = self._news, asyncio.Event()
        over.set()

    def _frame(self, since: int) -> bytes:
        if since not in self._frames:
            changed = {key: panel for key, (at, panel) in self._panels.items() if at > since}
            self._frames[since] = f"data: {json.dumps({'panels': changed})}\n\n".encode()
        return self._frames[since]

    async def stream(self, response: web.StreamResponse) -> None:
        """Send server-sent events until the page is gone, or has read none for too long.

        Raises:
            TimeoutError: it read none.
            ConnectionError: it is gone.
        """
        since = 0
        while True:
            news = self._news
            if self._panels and since < self._round:
                frame, since = self._frame(since), self._round
                async with asyncio.timeout(_WRITE_LIMIT_S):
                    await response.write(frame)
            else:
                await news.wait()

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Reserve a place for a page within the block; the system is observed while there is any.

        Raises:
            TooManyPages: all places are taken.
        """
        if self._clients_count >= CLIENTS_MAX:
            raise TooManyPages
        self._clients_count += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            self._clients_count -= 1

    async def _watch(self) -> None:
        while self._clients_count:
            try:
                await self.see()
            except OSError as error:
                _LOG.warning("cannot look: %s", error)
            await asyncio.sleep(LOOK_EVERY_S)

    async def close(self) -> None:
        """Stop observing."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
