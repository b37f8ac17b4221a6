"""The account as reported by the venue: the user channel, and the bodies of the CLOB's answers."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import msgspec
from polymarket.errors import UnexpectedResponseError

from actors.execution.real.client import VenueClient
from actors.execution.real.messages import (
    AccountRead,
    AccountUnread,
    CancelAnswered,
    CancelFailed,
    PostAnswered,
    PostRefused,
    PostUnclear,
    ReadAccount,
)
from actors.execution.real.port import VenuePort
from actors.execution.real.user_channel import TradePart, UserOrder, UserTrade, decode
from actors.execution.real.venue_rules import read_answer
from actors.redaction import Redactor
from actors.units import PAYOUT_TICKS
from bench.fuzz.mutations import mutated
from bench.fuzz.target import Target, hold

_ORDER_ID, _OTHER_ID = "0x" + "1a" * 32, "0x" + "2b" * 32
_TOKEN = "7" * 77
ORDER: dict[str, Any] = {
    "event_type": "order",
    "type": "UPDATE",
    "id": _ORDER_ID,
    "owner": "key",
    "market": "0xmarket",
    "asset_id": _TOKEN,
    "side": "BUY",
    "original_size": "10",
    "size_matched": "5",
    "price": "0.52",
    "associate_trades": None,
    "created_at": "1787396653",
    "expiration": "0",
    "order_type": "GTC",
    "status": "LIVE",
    "timestamp": "1787396653000",
}
TRADE: dict[str, Any] = {
    "event_type": "trade",
    "type": "TRADE",
    "id": "trade-1",
    "taker_order_id": _OTHER_ID,
    "market": "0xmarket",
    "asset_id": _TOKEN,
    "side": "SELL",
    "size": "12",
    "price": "0.52",
    "status": "MATCHED",
    "match_time": "1787396653",
    "owner": "other",
    "trader_side": "MAKER",
    "maker_orders": [
        {
            "order_id": order_id,
            "owner": owner,
            "maker_address": "0x" + "c" * 40,
            "matched_amount": "6",
            "price": "0.52",
            "asset_id": _TOKEN,
            "outcome": "Up",
            "side": "BUY",
        }
        for order_id, owner in ((_ORDER_ID, "key"), ("0x" + "3c" * 32, "other"))
    ],
    "timestamp": "1787396653000",
}


def user_frames(chance: random.Random) -> str:
    """Never an exception; a bad row affects no other row, a bad maker no other maker."""
    shape = chance.choice((ORDER, TRADE, TRADE))
    bad = mutated(shape, chance)
    events, problems = decode(bad)
    _hold_events(events)
    try:
        msgspec.json.decode(bad)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        hold(bool(problems), "lost silently")
        return "no JSON"
    good = [msgspec.json.encode(each) for each in (ORDER, TRADE)]
    together, _ = decode(b"[" + good[0] + b"," + bad + b"," + good[1] + b"]")
    expected = [decode(each)[0][0] for each in good]
    hold(together[:1] == expected[:1], "a good row before a bad one is lost or changed")
    hold(together[-1:] == expected[1:], "a good row behind a bad one is lost or changed")
    _hold_makers(chance)
    return "named" if problems else "read"


def _hold_makers(chance: random.Random) -> None:
    bad = mutated(TRADE["maker_orders"][1], chance)
    good = msgspec.json.encode(TRADE["maker_orders"][1])
    raw = msgspec.json.encode(TRADE).replace(good, bad)
    events, problems = decode(raw)
    if problems or not events:
        return
    (trade,) = events
    expected = decode(msgspec.json.encode(TRADE))[0][0]
    if isinstance(trade, UserTrade) and isinstance(expected, UserTrade) and _is_one_value(bad):
        hold(
            trade.makers[:1] == expected.makers[:1], "our part is lost or changed by a foreign one"
        )


def _is_one_value(raw: bytes) -> bool:
    try:
        msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _hold_events(events: list[Any]) -> None:
    for event in events:
        if isinstance(event, UserOrder):
            hold(bool(event.order_id), "an order without an id")
            for units in (event.original_units, event.matched_units):
                hold(units is None or 0 <= units < 10**22, f"a size of {units}")
        parts = [event.taker, *event.makers] if isinstance(event, UserTrade) else []
        for part in parts:
            if isinstance(part, TradePart):
                hold(0 < part.size_units < 10**22, f"a fill of {part.size_units}")
                hold(0 <= part.price_ticks <= PAYOUT_TICKS, f"a fill at {part.price_ticks}")


class _Clob:
    """The client's transport, which answers everything with one body."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def _answer(self) -> Any:
        try:
            return msgspec.json.decode(self._body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UnexpectedResponseError(str(error)) from None

    async def get_json(self, _path: str, **_parameters: Any) -> Any:
        return self._answer()

    async def delete_json(self, _path: str, **_parameters: Any) -> Any:
        return self._answer()

    async def post_json(self, _path: str, **_parameters: Any) -> Any:
        return self._answer()


def _port(body: bytes) -> tuple[VenuePort, list[Any]]:
    """A port without a thread, whose client receives one body; its messages go into the list."""
    said: list[Any] = []
    client = object.__new__(VenueClient)
    client._client = SimpleNamespace(_ctx=SimpleNamespace(secure_clob=_Clob(body)))  # type: ignore[assignment] # all that is asked of it here
    port = object.__new__(VenuePort)
    port._client, port._redactor = client, Redactor()
    port._io = SimpleNamespace(post=said.append)  # type: ignore[assignment] # as above
    return port, said


_READING = ReadAccount(
    read_id=1, venue_order_ids=(_ORDER_ID,), market_ids=("0xmarket",), balances_of=()
)
_PAGE = {"limit": 100, "next_cursor": "LTE=", "count": 1, "data": [ORDER, TRADE]}
_CANCELLED = {"canceled": [_ORDER_ID], "not_canceled": {_OTHER_ID: "already canceled"}}
_POSTED = {"success": True, "errorMsg": "", "orderID": _ORDER_ID, "status": "live"}


def clob_bodies(chance: random.Random) -> str:
    """Each query is answered with one message of its own, whatever the body says."""
    kind = chance.randrange(3)
    if kind == 0:
        port, said = _port(mutated(_PAGE, chance))
        run_at_once(port._read(_READING))
        allowed: tuple[type, ...] = (AccountRead, AccountUnread)
    elif kind == 1:
        port, said = _port(mutated(_CANCELLED, chance))
        run_at_once(port._cancel((_ORDER_ID,)))
        allowed = (CancelAnswered, CancelFailed)
    else:
        body = mutated(_POSTED, chance)
        said = [read_answer("order", msgspec.json.decode(body))] if _is_one_value(body) else []
        allowed = (PostAnswered, PostRefused, PostUnclear)
        if not said:
            return "no JSON"
    hold(len(said) == 1 and isinstance(said[0], allowed), f"answered with {said!r:.200}")
    if isinstance(said[0], AccountRead):
        _hold_events([*said[0].orders, *said[0].open_orders, *said[0].trades])
    return type(said[0]).__name__


def run_at_once(work: Any) -> None:
    """Run a coroutine that never waits, without the cost of a loop.

    Raises:
        RuntimeError: it did wait.
    """
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("a coroutine of the campaign waited for something")


TARGETS = (Target("user frames", user_frames, 4), Target("CLOB bodies", clob_bodies, 3))
