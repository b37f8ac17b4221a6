"""The directory on its real HTTP port, with a clock that is corrected as every process's is."""

from __future__ import annotations

import random

from feed_stage import RealStage
from live_stage import RunningExchange

from actors.directory.core import DirectoryCore
from actors.directory.port import HttpPort
from actors.messages.lifecycle import VenueTimeMeasured
from actors.roles import DIRECTORY
from actors.runtime.clock import Clock
from actors.settings import Settings
from understudy.composition import pointed_at_local_exchange


class DirectoryOnHttp(RealStage):
    """Asks a local exchange; its host's clock is the exchange's, before that was skewed."""

    def __init__(self, exchange: RunningExchange) -> None:
        settings = pointed_at_local_exchange(Settings(), exchange.http_url, exchange.ws_url)
        super().__init__(DirectoryCore(DIRECTORY, settings, random.Random(1)))
        self.port.close()
        self.port = HttpPort()  # type: ignore[assignment] # used by drain, perform and close only
        self._clock = Clock(exchange.clock.spec)

    @property
    def now_ms(self) -> int:
        return self._clock.now_ms()

    def _post(self, sender: str, to: str, message: object) -> None:
        if isinstance(message, VenueTimeMeasured):
            self._clock.offset_ms += message.offset_ms
        super()._post(sender, to, message)
