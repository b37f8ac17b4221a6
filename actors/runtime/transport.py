"""The transport between the processes of a run: a Thespian transport over local sockets.

Thespian uses the transport that its system base names. The methods below do what those of its own
transports do (``thespian/system/transport``, version 4.0.1), and their names are Thespian's. A
process has one socket in the run's directory, under a name that is never reused; ``FrameReceiver``
receives and ``FrameSender`` sends. docs/decisions/transport.md says why, and what was measured.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import math
import os
import pickle
import secrets
import time
import weakref
from collections import deque
from datetime import timedelta
from typing import Any, ClassVar

import attrs
from thespian.actors import (
    ActorAddress,
    ActorExitRequest,
    ActorSystemStartupFailure,
    WakeupMessage,
    WatchMessage,
)
from thespian.system.addressManager import ActorLocalAddress, CannotPickleAddress
from thespian.system.messages.multiproc import ChildMayHaveDied
from thespian.system.timing import ExpirationTimer, toTimeDeltaOrNone
from thespian.system.transport import (
    ExternalInterfaceTransportInit,
    ReceiveEnvelope,
    SendStatus,
    Thespian__Run_Expired,
    Thespian__Run_HandlerResult,
    Thespian__Run_Terminated,
    TransmitOnly,
    TransportInit__Base,
)

from actors.runtime.sockets.connections import greeter
from actors.runtime.sockets.directory import PeerGone, SocketDirectory
from actors.runtime.sockets.frames import framed
from actors.runtime.sockets.poller import Poller
from actors.runtime.sockets.receiver import FrameReceiver
from actors.runtime.sockets.refusals import REFUSALS
from actors.runtime.sockets.sender import FrameSender

_DRAIN_LIMIT_S = 7.0
"""How long an ending process may still send waiting frames, as in Thespian."""
_EXPIRED, _TERMINATED = Thespian__Run_Expired, Thespian__Run_Terminated


@attrs.frozen
class UnixAddress:
    """The address of an actor: the name of its socket, which begins with its process id."""

    name: str

    @property
    def pid(self) -> int | None:
        """Process id of the actor; None for the admin, whose name is known before it is forked."""
        head = self.name.partition("-")[0]
        return int(head) if head.isdigit() else None

    def __str__(self) -> str:
        return self.name


class Arrival(ReceiveEnvelope):
    """A message and its sender; unlike Thespian's own, it formats no line for an unused log."""

    def identify(self) -> str:
        """Return the kind of message."""
        return type(self.message).__name__


class Endpoint(TransportInit__Base):
    """What a transport is made from: a child's endpoint, made by its parent, or a further one."""

    def __init__(self, number: int | None, name: str | None, admin: ActorAddress) -> None:
        self.addrInst = number
        """The parent's number for it; the name is Thespian's."""
        self.name = name
        """Name of its socket; None for a new one."""
        self.admin = admin


@attrs.frozen
class Run:
    """What the processes of a run share, and no others."""

    directory: SocketDirectory
    key: bytes = attrs.field(factory=functools.partial(secrets.token_bytes, 32), repr=False)
    """The key for the seals of greetings."""
    admin_name: str = attrs.field(factory=lambda: f"admin-{secrets.token_hex(8)}")


_transports: weakref.WeakSet[UnixTransport] = weakref.WeakSet()
"""All transports that this process made, or inherited by a fork."""
_made_in_pid = os.getpid()
"""The process that made them; a fork recognises by it that they are its parent's."""


class UnixTransport:
    """A process's transport to the others of its run, which has its own subclass."""

    run_shared: ClassVar[Run]

    def __init__(self, init: Any, *_args: object) -> None:
        _leave_to_the_parent()
        name = f"{os.getpid()}-{secrets.token_hex(8)}"
        if isinstance(init, ExternalInterfaceTransportInit):
            admin = self.getAdminAddr({})
        elif isinstance(init, Endpoint):
            admin, name = init.admin, init.name or name
        else:
            raise ActorSystemStartupFailure(f"a transport cannot be made of {init!r}")
        shared = self.run_shared
        self.pid = os.getpid()
        self.myAddress = ActorAddress(UnixAddress(name))
        self._adminAddr = admin
        self._directory = shared.directory
        self._arrived: deque[Any] = deque()
        self._wakeups: list[tuple[float, int, timedelta, object]] = []
        self._numbers = itertools.count()
        self._aborts: bool | None = None
        """Whether ``run`` must return, and whether waiting frames are sent first."""
        self._has_dead_children = False
        self._is_told_to_exit = False
        self._is_closed = False
        self._poller = Poller()
        greet = greeter(shared.key, name, self.pid)
        self._receiver = FrameReceiver(shared.directory, shared.key, name, self._poller, self._take)
        self._sender = FrameSender(shared.directory, greet, self._poller)
        _transports.add(self)

    # Thespian's interface of a transport class

    @classmethod
    def getAdminAddr(cls, _capabilities: object) -> ActorAddress:  # noqa: N802 # Thespian's
        """Return the admin's address, before it is forked."""
        return ActorAddress(UnixAddress(cls.run_shared.admin_name))

    @classmethod
    def probeAdmin(cls, address: ActorAddress) -> bool:  # noqa: N802 # Thespian's
        """Return whether an admin is running."""
        try:
            cls.run_shared.directory.connect(address.addressDetails.name, None).close()
        except PeerGone:
            return False
        except BlockingIOError:
            return True
        return True

    # Thespian's interface of a transport: children

    def prepEndpoint(self, assigned: ActorAddress, _capabilities: object) -> Endpoint:  # noqa: N802 # Thespian's
        """Return the endpoint for the transport of a child, or of the admin."""
        details = assigned.addressDetails
        if isinstance(details, ActorLocalAddress):
            return Endpoint(details.addressInstanceNum, None, self._adminAddr)
        return Endpoint(None, details.name, self._adminAddr)

    def connectEndpoint(self, _endpoint: Endpoint) -> None:  # noqa: N802 # Thespian's
        """Do nothing: a child announces its own address."""

    def childResetFileNumList(self) -> list[int]:  # noqa: N802 # Thespian's
        """Return descriptors that a child must close: none, its own transport closes them."""
        return []

    def deadAddress(self, _addresses: object, address: ActorAddress) -> None:  # noqa: N802 # Thespian's
        """Drop a child that has ended."""
        details = address.addressDetails
        if isinstance(details, UnixAddress):
            self._sender.forget(details.name)
            self._directory.remove(details.name)
            self._tell_outcomes()

    def setAddressManager(self, addresses: Any) -> None:  # noqa: N802 # Thespian's
        """Ignore the address manager; each message comes with it anyway."""

    def enableRXPauseFlowControl(self, _enable: bool = True) -> None:  # noqa: N802 # Thespian's
        """Do nothing: receiving never waits for sending here."""

    def external_transport_clone(self) -> UnixTransport:
        """Return another transport for the same process."""
        return type(self)(Endpoint(None, None, self._adminAddr))

    # Thespian's interface of a transport: messages

    def scheduleTransmit(  # noqa: N802 # Thespian's
        self, addresses: Any, intent: Any, has_exclusive_flag: bool = False
    ) -> None:
        """Send a message, at once if the kernel accepts it; may be called from any thread.

        Raises:
            CannotPickleAddress: it, or its target, names a child whose address is not known yet.
            Exception: whatever pickling it raises.
        """
        del has_exclusive_flag  # senders hold no lock of this transport
        if addresses is not None:
            target, message = addresses.prepMessageSend(intent.targetAddr, intent.message)
            if message is SendStatus.DeadTarget:
                intent.tx_done(
                    SendStatus.Sent
                )  # a dead process's news to a dead process is not needed
                return
            if target is None:
                raise CannotPickleAddress(intent.targetAddr)
            intent.changeTargetAddr(target)
            intent.changeMessage(message)
        details = intent.targetAddr.addressDetails
        if isinstance(details, ActorLocalAddress):
            raise CannotPickleAddress(intent.targetAddr)
        if not isinstance(details, UnixAddress) or self._is_closed:
            intent.tx_done(SendStatus.Failed)
            return
        if details.name == self._receiver.name:
            self._arrived.append(Arrival(self.myAddress, intent.message))
            self._poller.nudge()
            intent.tx_done(SendStatus.Sent)
            return
        frame = framed(pickle.dumps(intent.message, pickle.HIGHEST_PROTOCOL))
        self._sender.post(details.name, details.pid, frame, intent)
        self._tell_outcomes()

    def _tell_outcomes(self) -> None:
        """Report outcomes to senders, who may send more as a result."""
        for outcome in self._sender.outcomes():
            intent: Any = outcome.intent
            if outcome.is_sent:
                intent.tx_done(SendStatus.Sent)
            else:
                gone = outcome.is_peer_gone
                intent.tx_done(SendStatus.DeadTarget if gone else SendStatus.Failed)

    def _take(self, sender: str, body: bytes) -> None:
        try:
            message = pickle.loads(body)  # noqa: S301 # of a process of this run, by its greeting
        except Exception as problem:  # whatever unpickling raises, the next message is intact
            REFUSALS.note(f"a message of {sender} that cannot be read ({type(problem).__name__})")
            return
        self._arrived.append(Arrival(ActorAddress(UnixAddress(sender)), message))

    # Thespian's interface of a transport: waiting

    def addWakeup(self, delay: timedelta | float, payload: object) -> None:  # noqa: N802 # Thespian's
        """Deliver a WakeupMessage after a delay; the earliest comes first."""
        after = toTimeDeltaOrNone(delay) or timedelta(0)
        due_at = time.monotonic() + after.total_seconds()
        heapq.heappush(self._wakeups, (due_at, next(self._numbers), after, payload))

    def set_watch(self, descriptors: list[int]) -> None:
        """Deliver a WatchMessage whenever one of these descriptors has input."""
        self._poller.watch(frozenset(descriptors))

    def interrupt_wait(self, signal_shutdown: bool = False, check_children: bool = False) -> None:
        """Make the process check for dead children, or exit; called by signal handlers."""
        self._is_told_to_exit |= signal_shutdown
        self._has_dead_children |= check_children
        self._poller.wake()

    def abort_run(self, drain: bool = False) -> None:
        """Make ``run`` return, or not begin, optionally after sending waiting frames."""
        self._aborts = drain
        self._poller.wake()

    def run(self, handler: Any, maximumDuration: timedelta | float | None = None) -> Any:  # noqa: N803 # Thespian's
        """Deliver what arrives, until the handler is done, the time is up or the run is aborted.

        Args:
            handler: called with each message; returns whether to continue. None: return the first
                message. TransmitOnly: receive nothing, see below.
            maximumDuration: seconds as a number; None: no limit.

        Returns:
            Thespian's value for such an end; with TransmitOnly the number of waiting frames, as
            soon as it has decreased.
        """
        limit = toTimeDeltaOrNone(maximumDuration)
        deadline = time.monotonic() + (math.inf if limit is None else limit.total_seconds())
        if handler is TransmitOnly or isinstance(handler, TransmitOnly):
            return self._send_only(deadline)
        while True:
            for _ in range(len(self._arrived)):
                arrived = self._arrived.popleft()
                if handler is None:
                    return arrived
                result = Thespian__Run_HandlerResult(handler(arrived))
                if not result:
                    return result
            if self._aborts is not None:
                return self._abort()
            now = time.monotonic()
            if not self._fire(now):
                if not self._arrived and now >= deadline:
                    return _EXPIRED()
                self._turn(now, deadline)

    def _fire(self, now: float) -> bool:
        """Deliver due wake-ups; return whether there were any."""
        has_any = False
        while self._wakeups and self._wakeups[0][0] <= now:
            _due_at, _number, delay, payload = heapq.heappop(self._wakeups)
            self._arrived.append(Arrival(self.myAddress, WakeupMessage(delay, payload)))
            has_any = True
        return has_any

    def _turn(self, now: float, deadline: float) -> None:
        """Wait for the next event, and handle it."""
        due_at = min(deadline, self._receiver.due_at, self._sender.due_at)
        if self._wakeups:
            due_at = min(due_at, self._wakeups[0][0])
        watched = self._poller.turn(0.0 if self._arrived else max(0.0, due_at - now))
        if watched:
            self._arrived.append(Arrival(self.myAddress, WatchMessage(watched)))
        if due_at < math.inf:
            now = time.monotonic()
            self._receiver.keep(now)
            self._sender.keep(now)
        if self._has_dead_children:
            self._has_dead_children = False
            self._arrived.append(Arrival(self.myAddress, ChildMayHaveDied()))
        if self._is_told_to_exit:
            self._is_told_to_exit = False
            self._arrived.append(Arrival(self.myAddress, ActorExitRequest()))
        self._tell_outcomes()

    def _send_only(self, deadline: float) -> Any:
        before_count = len(self._sender.waiting)
        while True:
            self._tell_outcomes()
            left_count = len(self._sender.waiting)
            if left_count == 0 or left_count < before_count or self._aborts is not None:
                self._aborts = None
                return left_count
            now = time.monotonic()
            if now >= deadline:
                return _EXPIRED()
            self._sender.flush_for(deadline - now)

    def _abort(self) -> Any:
        deadline = time.monotonic() + _DRAIN_LIMIT_S
        while self._aborts and self._sender.waiting and time.monotonic() < deadline:
            self._sender.flush_for(deadline - time.monotonic())
            self._tell_outcomes()
        self._aborts = None
        return _TERMINATED()

    # Closing

    def close(self) -> None:
        """Leave the run; nothing is received or sent any more."""
        if not self._is_closed:
            self._shut()
            self._directory.remove(self._receiver.name)
            self._tell_outcomes()

    def _shut(self) -> None:
        self._is_closed = True
        self._receiver.close()
        self._sender.close()
        self._poller.close()

    def _updateStatusResponse(self, response: Any) -> None:  # noqa: N802 # Thespian's
        """Add the waiting frames to a status that Thespian was asked for."""
        for name, intent in self._sender.waiting:
            recipient = ActorAddress(UnixAddress(name))
            waiting: Any = intent
            response.addPendingMessage(self.myAddress, recipient, str(waiting.message))
        for arrived in self._arrived:
            response.addReceivedMessage(arrived.sender, self.myAddress, str(arrived.message))
        now = time.monotonic()
        timers = [ExpirationTimer(max(0.0, due_at - now)) for due_at, *_ in sorted(self._wakeups)]
        response.addWakeups([(self.myAddress, timer) for timer in timers])


def _leave_to_the_parent() -> None:
    """Close inherited transports after a fork: their sockets belong to the parent."""
    global _made_in_pid
    if _made_in_pid == os.getpid():
        return
    _made_in_pid = os.getpid()
    REFUSALS.begin_anew()
    for transport in list(_transports):
        if not transport._is_closed:
            transport._shut()
