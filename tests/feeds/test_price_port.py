import asyncio
import json
from collections.abc import Iterator

import pytest
from feed_stage import LoopbackVenue
from test_websocket_port import drain_until, has
from websockets.asyncio.server import ServerConnection

from actors.feeds.connection import Connect, Connected
from actors.feeds.polybolt import (
    ApiCredentials,
    Authenticate,
    CredentialsFound,
    CredentialsMissing,
    CredentialsUnavailable,
    FoundCredentials,
    LookForCredentials,
)
from actors.feeds.port import PricePort

OLD = ApiCredentials("old-key", "old-secret", "old-passphrase")
NEW = ApiCredentials("new-key", "new-secret", "new-passphrase")


class Drawer:
    """Where credentials lie; None: there are none."""

    def __init__(self) -> None:
        self.credentials: ApiCredentials | None = OLD

    def find(self) -> FoundCredentials:
        if self.credentials is None:
            raise CredentialsUnavailable("the drawer is empty")
        return FoundCredentials(self.credentials, "the drawer")


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


@pytest.fixture
def port(drawer: Drawer) -> Iterator[PricePort]:
    port = PricePort(drawer.find)
    yield port
    port.close()


def test_it_says_what_it_finds_and_gives_none_of_it_away(port: PricePort, drawer: Drawer) -> None:
    port.perform(LookForCredentials())
    (found,) = drain_until(port, has(CredentialsFound))
    assert found == CredentialsFound(OLD.fingerprint, "the drawer")
    assert "old-" not in repr(found)
    drawer.credentials = None
    port.perform(LookForCredentials())
    assert drain_until(port, has(CredentialsMissing)) == [CredentialsMissing("the drawer is empty")]


def test_credentials_are_read_anew_each_time_they_are_said(port: PricePort, drawer: Drawer) -> None:
    async def listen(connection: ServerConnection) -> None:
        while True:
            await venue.hear(connection)
            await connection.send("heard")

    with LoopbackVenue(listen) as venue:
        port.perform(Connect(1, venue.url, "a"))
        drain_until(port, lambda events: Connected(1, "a") in events)
        for credentials in (OLD, NEW):
            drawer.credentials = credentials
            port.perform(Authenticate("a"))
            events = drain_until(port, lambda events: len(events) == 2)
            assert CredentialsFound(credentials.fingerprint, "the drawer") in events
    assert [json.loads(text)["auth"]["apiKey"] for text in venue.heard] == ["old-key", "new-key"]


def test_without_credentials_nothing_is_said(port: PricePort, drawer: Drawer) -> None:
    async def listen(connection: ServerConnection) -> None:
        await asyncio.wait_for(venue.hear(connection), 60)

    drawer.credentials = None
    with LoopbackVenue(listen) as venue:
        port.perform(Connect(1, venue.url, "a"))
        drain_until(port, lambda events: Connected(1, "a") in events)
        port.perform(Authenticate("a"))
        drain_until(port, has(CredentialsMissing))
    assert venue.heard == []
