"""The venue's dead man's switch: it cancels all orders of an account that has fallen silent.

Once one heartbeat was sent, the venue wants the next within ten seconds, and there is no way back
but to fall silent. Source: Polymarket's documentation, order heartbeats.
"""

from __future__ import annotations

from actors.core import Command, Effects, Log, SetTimer
from actors.execution.real.messages import HeartbeatAnswered, HeartbeatFailed, SendHeartbeat

HEARTBEAT_TIMER = "heartbeat"
HEARTBEAT_EVERY_MS = 5_000


class DeadMansSwitch:
    """Sends heartbeats, each with the id that the answer to the last one gave."""

    def __init__(self) -> None:
        self._next_id = ""
        self._is_under_way = False

    def beat(self) -> Effects:
        """Send the next one, unless the last is still unanswered; come again."""
        again = SetTimer(HEARTBEAT_TIMER, HEARTBEAT_EVERY_MS)
        if self._is_under_way:
            return [again]
        self._is_under_way = True
        return [Command(SendHeartbeat(self._next_id)), again]

    def take(self, event: HeartbeatAnswered | HeartbeatFailed) -> Effects:
        """Keep the id for the next one; if the venue wants another id, send it again at once."""
        self._is_under_way = False
        if isinstance(event, HeartbeatAnswered):
            self._next_id = event.heartbeat_id
            return []
        if event.is_unauthorized:
            return []
        if event.expected_id is None:
            return [Log("warning", f"a heartbeat did not arrive: {event.reason}")]
        self._next_id = event.expected_id
        return self.beat()
