from __future__ import annotations

import json
from pathlib import Path

from research.recordings.importing import Importing
from venue.windows import Window

START_MS = 1_776_329_400_000


def imported(folder: Path, count: int) -> Path:
    """Import short windows of books as others record them; returns where the recordings lie."""
    sources = []
    for number in range(count):
        window = Window.at("btc", 5, START_MS + number * 300_000)
        lines = []
        for second in range(2, 298, 2):
            bid = 300 + 10 * ((second * (3 + number) // 7) % 35)
            book = {
                "event_type": "book",
                "market": window.condition_id,
                "asset_id": window.up_token,
                "timestamp": str(window.opens_at_ms + second * 1000),
                "bids": [{"price": f"{bid / 1000:.2f}", "size": "40"}],
                "asks": [{"price": f"{(bid + 10) / 1000:.2f}", "size": "40"}],
            }
            at_s = window.opens_at_ms / 1000 + second + 0.02
            lines.append(json.dumps({"recv_ts": at_s, "raw": json.dumps(book)}))
        path = folder / f"{window.slug}.jsonl"
        path.write_text("\n".join(lines) + "\n")
        sources.append(path)
    made = folder / "recordings"
    made.mkdir()
    for _ in Importing(sources, "", "a test").into(made):
        pass
    return made
