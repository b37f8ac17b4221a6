"""Whether the venue lets this system in, and knows that it lives: credentials and heartbeats.

Credentials are got at the start and anew when refused. They can be revoked, or expire, while orders
are out. Then every request is answered with 401, which says nothing of any order. So nothing more
is asked with them: new ones are got at once, and if these are refused too, rarely. Until some hold,
nothing is signed, posted or read.

Heartbeats keep the venue's dead man's switch from cancelling all orders of an account that has
fallen silent. Once one was sent, the venue wants the next within ten seconds, and there is no way
back but to fall silent. Source: Polymarket's documentation, order heartbeats.
"""

from __future__ import annotations

from actors.core import Command, Effects, Log, SetTimer
from actors.execution.real.messages import (
    AccountUnread,
    CancelFailed,
    ClientFailed,
    ClientReady,
    HeartbeatAnswered,
    HeartbeatFailed,
    OpenClient,
    PostRefused,
    SendHeartbeat,
)

SESSION_TIMER = "client"
RETRY_MS = 5_000
"""After the venue could not be reached."""
REFUSED_RETRY_MS = 60_000
"""After it refused: asking often would change nothing."""

_DENIABLE = (PostRefused, CancelFailed, AccountUnread, HeartbeatFailed)


class VenueSession:
    """The account that may be used now, if any; and one sentence for each way to lose it."""

    def __init__(self) -> None:
        self.account: ClientReady | None = None
        self.trouble = ""
        """Why nothing can be asked of the venue; empty while nothing is known to be wrong."""
        self._has_named_wallet = False
        self._renewed_at_ms: int | None = None

    def clock_set_back(self, by_ms: int) -> None:
        """New credentials were asked for as long ago as before."""
        if self._renewed_at_ms is not None:
            self._renewed_at_ms -= by_ms

    def ask(self) -> Effects:
        """Ask for credentials."""
        return [Command(OpenClient())]

    def opened(self, event: ClientReady) -> Effects:
        """Use them; that they hold shows with the first reading."""
        self.account = event
        if self._has_named_wallet:
            return []
        self._has_named_wallet = True
        return [Log("info", f"trading for account {event.wallet}")]

    def failed(self, event: ClientFailed) -> Effects:
        """Try again later: without credentials nothing leaves."""
        retry = SetTimer(SESSION_TIMER, REFUSED_RETRY_MS if event.is_refused else RETRY_MS)
        return [*self._say(f"no credentials from the venue: {event.reason}"), retry]

    def proven(self) -> Effects:
        """The account was read: the credentials hold."""
        if not self.trouble:
            return []
        self.trouble = ""
        return [Log("info", "the venue takes the API credentials now")]

    def hear(self, event: object, now_ms: int) -> Effects:
        """Get new credentials if this says that those in use are refused."""
        is_denial = isinstance(event, _DENIABLE) and event.is_unauthorized
        if not is_denial or self.account is None:
            return []
        self.account = None
        said = self._say("the venue refuses the API credentials (401); new ones are asked for")
        if self._renewed_at_ms is None:
            wait_ms = 0
        else:
            wait_ms = self._renewed_at_ms + REFUSED_RETRY_MS - now_ms
        if wait_ms > 0:
            return [*said, SetTimer(SESSION_TIMER, wait_ms)]
        return [*said, *self._renew(now_ms)]

    def wake(self, now_ms: int) -> Effects:
        """Ask again; it was waited for long enough."""
        return self._renew(now_ms) if self.account is None else []

    def _renew(self, now_ms: int) -> Effects:
        self._renewed_at_ms = now_ms
        return self.ask()

    def _say(self, trouble: str) -> Effects:
        """Say a sentence once, however often it proves true."""
        if trouble == self.trouble:
            return []
        self.trouble = trouble
        return [Log("error", f"nothing is traded: {trouble}")]


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
