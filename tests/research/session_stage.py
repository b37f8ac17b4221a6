from __future__ import annotations

import json
from pathlib import Path

from nouns import a_market
from recording_builders import OPENS_AT_MS, SLUG

from actors.messages.directory import MarketResolved
from actors.messages.recorder import CapturedAnswer, CapturedFrames
from actors.model import Market, Side, Strike
from research.recordings.session import Recorder, RecordingSession

MACHINE_MS = 7_000_000
"""The monotonic clock at the window's start."""


def market(number: int = 0, asset: str = "btc") -> Market:
    """The window that is so many after the first."""
    start_ms = OPENS_AT_MS + number * 300_000
    return a_market(
        start_ms,
        5,
        market_id=f"0x{asset}{number}",
        slug=SLUG.replace("btc", asset).replace(str(OPENS_AT_MS // 1000), str(start_ms // 1000)),
        yes_token=f"{asset}11{number}",
        no_token=f"{asset}22{number}",
    )


def strike(price: int = 90) -> Strike:
    return Strike(price_e18=price * 10**18, source="polybolt", timestamp_ms=OPENS_AT_MS)


def resolved(of: Market, winner: Side | None = Side.YES) -> MarketResolved:
    return MarketResolved(
        market=of, winner=winner, strike_e18=None, close_e18=91 * 10**18, evidence="Gamma"
    )


def machine_ns(at_ms: float) -> int:
    return round((MACHINE_MS + at_ms) * 1_000_000)


class SessionStage:
    """A recorder whose clock stands where it is put; times are ms after the first window starts."""

    def __init__(self, folder: Path, *, speed: float = 1.0) -> None:
        self.folder = folder
        self.now_ms = 0.0
        self._speed = speed
        self.session = self.another()

    def another(self) -> RecordingSession:
        """Make what another process would have."""
        self.session = RecordingSession(
            self.folder,
            Recorder(
                program="understudy test",
                unix_ns=self._unix_ns,
                monotonic_ns=lambda: machine_ns(self.now_ms),
                offset_ms=lambda: 12,
                speed=self._speed,
                is_synced=False,
            ),
        )
        return self.session

    def frames(self, at_ms: float, channel: str, *payloads: str, connection: str = "#1") -> None:
        """Let frames arrive."""
        self.now_ms = at_ms
        arrived = tuple((each.encode(), machine_ns(at_ms)) for each in payloads)
        self.session.keep([CapturedFrames(channel, connection, arrived)])

    def book(self, at_ms: float, of: Market) -> str:
        """Let a book of a window's Up outcome arrive."""
        text = json.dumps({"event_type": "book", "market": of.market_id, "at": at_ms})
        self.frames(at_ms, "market", text)
        return text

    def answer(self, at_ms: float, channel: str, url: str, body: str = "{}") -> None:
        """Let an answer over HTTP arrive."""
        self.session.keep(
            [
                CapturedAnswer(
                    channel=channel,
                    url=url,
                    status=200,
                    body=body.encode(),
                    arrived_ns=machine_ns(at_ms),
                )
            ]
        )

    def path(self, of: Market) -> Path:
        """A window's file."""
        return self.folder / f"{of.slug}.rec"

    def _unix_ns(self, monotonic_ns: int) -> int:
        return OPENS_AT_MS * 1_000_000 + round((monotonic_ns - machine_ns(0)) * self._speed)
