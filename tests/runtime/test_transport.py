"""The transport as Thespian uses it: two of one run in this process."""

from __future__ import annotations

import os
import pickle
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from thespian.actors import (
    ActorAddress,
    ActorExitRequest,
    ActorSystemStartupFailure,
    WakeupMessage,
    WatchMessage,
)
from thespian.system.addressManager import (
    ActorAddressManager,
    ActorLocalAddress,
    CannotPickleAddress,
)
from thespian.system.messages.multiproc import ChildMayHaveDied
from thespian.system.transport import (
    ExternalInterfaceTransportInit,
    SendStatus,
    Thespian__Run_Expired,
    Thespian__Run_Terminated,
    TransmitIntent,
    TransmitOnly,
)

from actors.runtime.sockets.directory import SocketDirectory
from actors.runtime.sockets.refusals import REFUSALS
from actors.runtime.transport import Endpoint, Run, UnixAddress, UnixTransport

SOON = timedelta(seconds=30)
"""For what comes at once."""
AT_ONCE = timedelta(0)
LONG = "." * 3_000_000


@attrs.define
class Results:
    """What senders were told."""

    told: list[tuple[object, Any]] = attrs.field(factory=list)

    def intent(self, target: ActorAddress, message: object) -> TransmitIntent:
        """Make a message whose outcome is kept."""
        intent = TransmitIntent(target, message)

        def note(status: Any, told: Any) -> None:
            self.told.append((told.message, status))

        return intent.addCallback(note, note)


@pytest.fixture
def results() -> Results:
    return Results()


@pytest.fixture
def run_class(tmp_path: Path) -> Iterator[type[UnixTransport]]:
    directory = SocketDirectory.make(tmp_path)
    yield type("TestTransport", (UnixTransport,), {"run_shared": Run(directory)})
    directory.close()


@pytest.fixture
def pair(run_class: type[UnixTransport]) -> Iterator[tuple[UnixTransport, UnixTransport]]:
    first = run_class(ExternalInterfaceTransportInit(), {}, None, None)
    second = first.external_transport_clone()
    yield first, second
    first.close()
    second.close()
    second.close()


Pair = tuple[UnixTransport, UnixTransport]


def heard(transport: UnixTransport, count: int) -> list[Any]:
    """The next messages; each must come soon."""
    messages = []
    for _ in range(count):
        envelope = transport.run(None, SOON)
        messages.append(envelope.message)
    return messages


def test_a_message_arrives_with_the_address_of_its_sender(pair: Pair, results: Results) -> None:
    first, second = pair
    first.scheduleTransmit(None, results.intent(second.myAddress, {"price_ticks": 530}))
    envelope = second.run(None, SOON)
    assert envelope.message == {"price_ticks": 530}
    assert envelope.sender == first.myAddress
    assert results.told == [({"price_ticks": 530}, SendStatus.Sent)]


def test_long_and_short_messages_arrive_in_their_order(pair: Pair, results: Results) -> None:
    first, second = pair
    said = [LONG, "short", LONG, *map(str, range(100))]
    for message in said:
        first.scheduleTransmit(None, results.intent(second.myAddress, message))
    sending = threading.Thread(target=first.run, args=(lambda _: True, timedelta(seconds=2)))
    sending.start()
    assert heard(second, len(said)) == said
    sending.join()
    assert results.told == [(message, SendStatus.Sent) for message in said]


def test_any_thread_may_send_also_while_another_waits(pair: Pair, results: Results) -> None:
    first, second = pair
    waiting = threading.Thread(target=first.run, args=(lambda _: False,))
    waiting.start()

    def send(thread: int) -> None:
        for number in range(200):
            first.scheduleTransmit(None, results.intent(second.myAddress, (thread, number)))

    threads = [threading.Thread(target=send, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    arrived = heard(second, 800)
    for thread in threads:
        thread.join()
    for number in range(4):
        assert [n for thread, n in arrived if thread == number] == list(range(200))
    first.scheduleTransmit(None, results.intent(first.myAddress, "enough"))
    waiting.join(30)
    assert not waiting.is_alive()


def test_a_message_to_oneself_arrives_without_being_copied(pair: Pair, results: Results) -> None:
    lock = threading.Lock()  # which could not be
    pair[0].scheduleTransmit(None, results.intent(pair[0].myAddress, lock))
    assert heard(pair[0], 1) == [lock]


def test_a_message_to_the_dead_is_told_at_once(pair: Pair, results: Results) -> None:
    first, second = pair
    second.close()
    first.scheduleTransmit(None, results.intent(second.myAddress, "late"))
    first.scheduleTransmit(None, results.intent(ActorAddress(None), "to nobody"))
    assert results.told == [("late", SendStatus.DeadTarget), ("to nobody", SendStatus.Failed)]


def test_after_a_childs_end_nothing_is_sent_to_it_and_its_socket_is_gone(
    pair: Pair, results: Results
) -> None:
    first, second = pair
    first.scheduleTransmit(None, results.intent(second.myAddress, LONG))
    first.deadAddress(None, second.myAddress)
    assert results.told == [(LONG, SendStatus.DeadTarget)]
    sockets = first.run_shared.directory.path
    assert [each.name for each in sockets.iterdir()] == [str(first.myAddress.addressDetails)]


def test_a_message_for_a_child_that_has_not_said_where_it_is_waits_for_that(
    pair: Pair, results: Results
) -> None:
    first, second = pair
    addresses = ActorAddressManager(ActorAddress(None), first.myAddress)
    child = addresses.createLocalAddress()
    with pytest.raises(CannotPickleAddress):
        first.scheduleTransmit(addresses, results.intent(child, "boot"))
    with pytest.raises(CannotPickleAddress):
        first.scheduleTransmit(None, results.intent(child, "boot"))
    with pytest.raises(CannotPickleAddress):
        first.scheduleTransmit(addresses, results.intent(second.myAddress, ("name of", child)))
    addresses.associateUseableAddress(first.myAddress, 0, second.myAddress)
    first.scheduleTransmit(addresses, results.intent(child, "boot"))
    first.scheduleTransmit(addresses, results.intent(second.myAddress, ("name of", child)))
    assert heard(second, 2) == ["boot", ("name of", second.myAddress)]


class Unreadable:
    """Raises when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (int, ("no number",))


def test_a_message_that_cannot_be_read_is_counted_and_takes_no_other_with_it(
    pair: Pair, results: Results
) -> None:
    first, second = pair
    before_count = REFUSALS.count
    for message in ("before", Unreadable(), "after"):
        first.scheduleTransmit(None, results.intent(second.myAddress, message))
    assert heard(second, 2) == ["before", "after"]
    assert REFUSALS.count == before_count + 1


def test_one_that_cannot_be_pickled_is_its_senders_matter(pair: Pair, results: Results) -> None:
    with pytest.raises((TypeError, pickle.PicklingError)):
        pair[0].scheduleTransmit(None, results.intent(pair[1].myAddress, threading.Lock()))
    assert results.told == []


# Waiting


def test_wakeups_arrive_when_they_are_due_the_earliest_first(pair: Pair) -> None:
    transport = pair[0]
    began = time.monotonic()
    for delay_ms in (30, 10, 20, 0):
        transport.addWakeup(timedelta(milliseconds=delay_ms), delay_ms)
    woken = [transport.run(None, SOON) for _ in range(4)]
    assert [each.message.payload for each in woken] == [0, 10, 20, 30]
    assert all(isinstance(each.message, WakeupMessage) for each in woken)
    assert woken[0].message.delayPeriod == timedelta(0)
    assert time.monotonic() - began >= 0.03


def test_a_wakeup_does_not_keep_others_from_being_heard(pair: Pair, results: Results) -> None:
    first, second = pair
    second.addWakeup(timedelta(hours=1), "late")
    first.scheduleTransmit(None, results.intent(second.myAddress, "word"))
    assert heard(second, 1) == ["word"]


def test_a_handler_is_handed_messages_until_it_has_enough(pair: Pair, results: Results) -> None:
    first, second = pair
    for number in range(5):
        first.scheduleTransmit(None, results.intent(second.myAddress, number))
    taken: list[int] = []

    def take(envelope: Any) -> bool:
        taken.append(envelope.message)
        return len(taken) < 3

    assert not second.run(take, SOON)
    assert taken == [0, 1, 2]
    assert heard(second, 2) == [3, 4]


def test_one_who_says_ever_more_to_oneself_still_hears_others(pair: Pair, results: Results) -> None:
    first, second = pair
    first.scheduleTransmit(None, results.intent(second.myAddress, "from first"))

    def talk(envelope: Any) -> bool:
        second.scheduleTransmit(None, TransmitIntent(second.myAddress, "to myself"))
        return envelope.message != "from first"

    second.scheduleTransmit(None, TransmitIntent(second.myAddress, "to myself"))
    assert not second.run(talk, SOON)


def test_nothing_comes_and_the_time_is_over(pair: Pair) -> None:
    assert isinstance(pair[0].run(None, AT_ONCE), Thespian__Run_Expired)
    assert isinstance(pair[0].run(None, timedelta(milliseconds=1)), Thespian__Run_Expired)
    assert isinstance(pair[0].run(None, 0.001), Thespian__Run_Expired)


def test_even_without_time_what_is_there_is_heard(pair: Pair, results: Results) -> None:
    first, second = pair
    first.scheduleTransmit(None, results.intent(second.myAddress, "word"))
    second.run(lambda _: True, AT_ONCE)  # takes the connection, and what it brings
    assert not second._arrived


def test_what_is_watched_is_told_until_it_is_no_longer(pair: Pair) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"x")
        pair[0].set_watch([ours.fileno()])
        (message,) = heard(pair[0], 1)
        assert isinstance(message, WatchMessage)
        assert message.ready == [ours.fileno()]
        pair[0].set_watch([])
        assert isinstance(pair[0].run(None, AT_ONCE), Thespian__Run_Expired)


@pytest.mark.parametrize(
    ("signal", "kind"),
    [({"check_children": True}, ChildMayHaveDied), ({"signal_shutdown": True}, ActorExitRequest)],
    ids=["a child's end", "a request to leave"],
)
def test_a_signal_becomes_a_message(pair: Pair, signal: dict[str, bool], kind: type) -> None:
    pair[0].interrupt_wait(**signal)
    (message,) = heard(pair[0], 1)
    assert isinstance(message, kind)
    assert isinstance(pair[0].run(None, AT_ONCE), Thespian__Run_Expired)


# Sending only, and leaving


def test_sending_only_returns_when_less_waits_than_did(pair: Pair, results: Results) -> None:
    first, second = pair
    assert first.run(TransmitOnly, SOON) == 0
    for message in (LONG, LONG):
        first.scheduleTransmit(None, results.intent(second.myAddress, message))
    listening = threading.Thread(target=heard, args=(second, 2))
    listening.start()
    assert first.run(TransmitOnly, SOON) == 1
    assert first.run(TransmitOnly(), SOON) == 0
    listening.join()


def test_sending_only_ends_with_its_time(pair: Pair, results: Results) -> None:
    first, second = pair
    first.scheduleTransmit(None, results.intent(second.myAddress, LONG))
    assert isinstance(first.run(TransmitOnly, timedelta(milliseconds=30)), Thespian__Run_Expired)


def test_who_leaves_in_order_sends_what_waits_first(pair: Pair, results: Results) -> None:
    first, second = pair
    first.scheduleTransmit(None, results.intent(second.myAddress, LONG))
    listening = threading.Thread(target=heard, args=(second, 1))
    listening.start()
    first.abort_run(drain=True)
    assert isinstance(first.run(lambda _: True, SOON), Thespian__Run_Terminated)
    assert results.told == [(LONG, SendStatus.Sent)]
    listening.join()
    assert isinstance(first.run(None, AT_ONCE), Thespian__Run_Expired), "it can be run again"


def test_who_is_ended_leaves_at_once(pair: Pair, results: Results) -> None:
    first, second = pair
    first.scheduleTransmit(None, results.intent(second.myAddress, LONG))
    first.abort_run()
    assert isinstance(first.run(lambda _: True), Thespian__Run_Terminated)
    first.close()
    assert results.told == [(LONG, SendStatus.Failed)]
    first.scheduleTransmit(None, results.intent(second.myAddress, "word"))
    assert results.told[1:] == [("word", SendStatus.Failed)]


# Children


def test_a_child_is_told_what_its_transport_is_made_of(
    pair: Pair, run_class: type[UnixTransport]
) -> None:
    parent = pair[0]
    numbered = ActorAddress(ActorLocalAddress(parent.myAddress, 7, None))
    endpoint = parent.prepEndpoint(numbered, {})
    assert (endpoint.addrInst, endpoint.name) == (7, None)
    parent.connectEndpoint(endpoint)
    assert parent.childResetFileNumList() == []
    child = run_class(endpoint)
    assert child.myAddress.addressDetails.pid == os.getpid()
    child.close()
    admin_at = run_class.getAdminAddr({})
    assert not run_class.probeAdmin(admin_at)
    admin = run_class(parent.prepEndpoint(admin_at, {}))
    assert admin.myAddress == admin_at
    assert admin_at.addressDetails.pid is None, "its name is known before its process is there"
    assert run_class.probeAdmin(admin_at)
    admin.close()


def test_a_fork_lets_go_of_what_is_its_parents_and_the_parent_keeps_it(
    pair: Pair, results: Results, run_class: type[UnixTransport]
) -> None:
    first, second = pair
    first.scheduleTransmit(None, results.intent(second.myAddress, "before"))
    pid = os.fork()
    if pid == 0:
        inherited = first._receiver._listener
        child = run_class(Endpoint(0, None, run_class.getAdminAddr({})))
        is_right = inherited.fileno() == -1 and REFUSALS.count == 0
        child.scheduleTransmit(None, TransmitIntent(second.myAddress, ("child", is_right)))
        os._exit(0)
    os.waitpid(pid, 0)
    first.scheduleTransmit(None, results.intent(second.myAddress, "after"))
    assert sorted(map(str, heard(second, 3))) == ["('child', True)", "after", "before"]


def test_it_is_made_of_nothing_else(run_class: type[UnixTransport]) -> None:
    with pytest.raises(ActorSystemStartupFailure):
        run_class("something else")


def test_what_waits_is_in_its_status(pair: Pair, results: Results) -> None:
    first, second = pair
    status: list[tuple[str, object]] = []

    class Response:
        def addPendingMessage(self, *waiting: object) -> None:  # noqa: N802 # Thespian's
            status.append(("to send", waiting[2]))

        def addReceivedMessage(self, *arrived: object) -> None:  # noqa: N802 # Thespian's
            status.append(("arrived", arrived[2]))

        def addWakeups(self, wakeups: list[tuple[object, Any]]) -> None:  # noqa: N802 # Thespian's
            status.extend(("wakeup", timer.view().remaining() > SOON) for _, timer in wakeups)

    first.scheduleTransmit(None, results.intent(second.myAddress, LONG))
    first.scheduleTransmit(None, results.intent(first.myAddress, "word"))
    first.addWakeup(timedelta(hours=1), None)
    first._updateStatusResponse(Response())
    assert status == [("to send", LONG), ("arrived", "word"), ("wakeup", True)]


def test_an_address_names_its_process() -> None:
    assert UnixAddress("4711-0a1b").pid == 4711
    assert str(UnixAddress("4711-0a1b")) == "4711-0a1b"
    assert UnixAddress("admin-0a1b").pid is None
