"""The number of settled windows among those that a run saw from their start."""

from __future__ import annotations

from actors.directory.windows import WindowState
from actors.runtime.journal import JournalReader


class SettledWindows:
    """Counts them from the journal, where the directory records them."""

    def __init__(self, reader: JournalReader, after_seq: int, began_ms: int) -> None:
        """Begin to count.

        Args:
            reader: of the run's journal.
            after_seq: the last event of the journal before the run.
            began_ms: when the run began, by the host's clock.
        """
        self._reader = reader
        self._seen_seq = after_seq
        self._began_ms = began_ms
        self._market_ids: set[str] = set()
        """A window whose result is corrected settles twice, and counts once."""

    def count(self, venue_offset_ms: int) -> int:
        """Return how many windows that opened since the run began have settled by now.

        Args:
            venue_offset_ms: how far the venue's clock is ahead of the host's, which may be
                years
                (F45); a window's times are the venue's.
        """
        began_ms = self._began_ms + venue_offset_ms
        for event in self._reader.events(kind="WindowFinished", after_seq=self._seen_seq):
            self._seen_seq = event.seq
            for window in self._reader.states("window", event.market_id, open_only=False):
                if isinstance(window, WindowState) and window.market.opens_at_ms >= began_ms:
                    self._market_ids.add(window.market.market_id)
        return len(self._market_ids)
