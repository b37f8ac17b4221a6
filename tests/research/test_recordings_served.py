"""Recordings as the exchange serves them: each frame at its time, prices by both services."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from recording_builders import OPENS_AT_MS
from session_stage import SessionStage, market, resolved, strike

from actors.directory.gamma import decode_market, decode_resolution
from actors.model import Market, Side
from research.recordings import BadRecording
from research.recordings.importing import Importing
from research.recordings.serving import LEAD_MS, RecordedWorld
from venue.frames import Channel, Frame, custom_key
from venue.wire.gamma import market_row
from venue.wire.text import json_text

FIRST, SECOND = market(0), market(1)


def book(of: Market, token: str, bid: str, ask: str) -> str:
    return json.dumps(
        {
            "market": of.market_id,
            "asset_id": token,
            "timestamp": str(of.opens_at_ms),
            "hash": "ab",
            "bids": [{"price": bid, "size": "30"}],
            "asks": [{"price": ask, "size": "25.5"}],
            "event_type": "book",
        }
    )


def change(of: Market, token: str, side: str, price: str, size: str) -> str:
    row = {"asset_id": token, "price": price, "size": size, "side": side, "hash": "cd",
           "best_bid": "0.4", "best_ask": "0.6"}  # fmt: skip
    return json.dumps(
        {
            "market": of.market_id,
            "price_changes": [row],
            "timestamp": str(of.opens_at_ms),
            "event_type": "price_change",
        }
    )


def twap(at_ms: int, dollars: int) -> str:
    payload = {
        "symbol": "btc/usd",
        "timestamp": OPENS_AT_MS + at_ms,
        "value": dollars,
        "full_accuracy_value": str(dollars * 10**18),
        "window_s": 60,
    }
    return json.dumps(
        {"topic": "crypto_prices_twap_sixty", "type": "update", "timestamp": 1, "payload": payload}
    )


def ticker(price: str) -> str:
    return json.dumps({"type": "ticker", "product_id": "BTC-USD", "price": price}).replace(
        ": ", ":"
    )


@pytest.fixture
def recorded(tmp_path: Path) -> list[Path]:
    """Two windows, of which the second has no result."""
    stage = SessionStage(tmp_path)
    stage.frames(-30_000, "reference", ticker("89990.00"))
    stage.now_ms = 100
    stage.session.begin(FIRST, strike())
    stage.frames(200, "market", book(FIRST, FIRST.yes_token, "0.4", "0.6"))
    stage.frames(1_500, "rtds", twap(0, 90))
    stage.frames(2_000, "market", change(FIRST, FIRST.yes_token, "BUY", "0.41", "7"))
    stage.frames(299_000, "market", book(FIRST, FIRST.no_token, "0.5", "0.55"))
    stage.frames(301_500, "rtds", twap(300_000, 91))
    stage.session.begin(SECOND, None)
    stage.frames(302_000, "market", book(SECOND, SECOND.yes_token, "0.7", "0.8"))
    stage.session.end(FIRST, resolved(FIRST, Side.NO))
    stage.frames(601_500, "rtds", twap(600_000, 90))
    stage.session.close()
    return [stage.path(FIRST), stage.path(SECOND)]


def until(world: RecordedWorld, at_ms: int) -> Iterator[Frame]:
    for frames in world.advance(OPENS_AT_MS + at_ms):
        yield from frames


def texts(frames: list[Frame], channel: Channel) -> list[str]:
    return [frame.text for frame in frames if frame.channel is channel]


def test_frames_are_served_verbatim_at_their_own_times(recorded: list[Path]) -> None:
    world = RecordedWorld(recorded)
    assert world.now_ms == OPENS_AT_MS - LEAD_MS
    assert world.series == "btc-5m"

    assert texts(list(until(world, 180)), Channel.COINBASE) == [ticker("89990.00")]
    (frame,) = until(world, 200)
    assert frame.text == book(FIRST, FIRST.yes_token, "0.4", "0.6")
    assert frame.keys == (FIRST.yes_token,)
    made = list(until(world, 2_000))
    assert texts(made, Channel.MARKET) == [change(FIRST, FIRST.yes_token, "BUY", "0.41", "7")]
    assert world.prices.ticker_text("BTC-USD") == ticker("89990.00")


def test_new_subscribers_get_books_with_every_change_in_them(recorded: list[Path]) -> None:
    world = RecordedWorld(recorded)
    list(until(world, 2_000))

    shown = world.catalogue.book(FIRST.yes_token)
    assert shown is not None
    assert shown.bids() == [(410, 7_000_000), (400, 30_000_000)]


def test_an_average_is_told_by_both_services_whichever_was_recorded(recorded: list[Path]) -> None:
    world = RecordedWorld(recorded)
    made = list(until(world, 2_000))

    (old,) = texts(made, Channel.RTDS)
    (new,) = texts(made, Channel.POLYBOLT)
    assert json.loads(old)["payload"]["full_accuracy_value"] == "90" + "0" * 18
    assert json.loads(new)["payload"]["full_accuracy_value"] == "90"
    assert json.loads(new)["payload"]["timestamp"] == OPENS_AT_MS
    history = json.loads(
        world.prices.history_text("crypto_prices_twap_sixty", "btc/usd", OPENS_AT_MS + 2_000)
    )
    assert [row["timestamp"] for row in history["payload"]["data"]] == [OPENS_AT_MS]


def test_metadata_and_result_are_the_recorded_ones(recorded: list[Path]) -> None:
    world = RecordedWorld(recorded)
    first = world.catalogue.with_slug(FIRST.slug)
    assert first is not None
    row = json_text(market_row(first.status)).encode()
    assert decode_market(row, FIRST.slug, FIRST.opens_at_ms, FIRST.closes_at_ms) == FIRST

    made = list(until(world, 316_000))

    assert first.status.up_won is False
    assert first.status.strike_e18 == 90 * 10**18
    assert first.status.close_e18 == 91 * 10**18
    assert made[-1].keys == tuple(map(custom_key, (FIRST.yes_token, FIRST.no_token)))
    assert json.loads(made[-1].text)["winning_outcome"] == "Down"
    row = json_text(market_row(first.status)).encode()
    result = decode_resolution(row, FIRST)
    assert result is not None
    assert result.winner is Side.NO


def test_a_window_without_a_result_ends_as_its_averages_say(recorded: list[Path]) -> None:
    world = RecordedWorld(recorded)
    list(until(world, 617_000))

    second = world.catalogue.with_slug(SECOND.slug)
    assert second is not None
    assert (second.status.strike_e18, second.status.close_e18) == (91 * 10**18, 90 * 10**18)
    assert second.status.up_won is False


def test_where_one_outcome_was_recorded_the_other_is_its_mirror(tmp_path: Path) -> None:
    source = tmp_path / f"{FIRST.slug}.jsonl"
    raw = book(FIRST, FIRST.yes_token, "0.48", "0.5")
    start_s = OPENS_AT_MS / 1000
    source.write_text(json.dumps({"recv_ts": start_s + 1, "raw": raw}) + "\n")
    ((path, _),) = Importing([source], "", "test").into(tmp_path)
    world = RecordedWorld([path])

    own, mirror = (each for each in until(world, 1_000) if each.channel is Channel.MARKET)

    assert own.text == raw
    shown = json.loads(mirror.text)
    assert mirror.keys != own.keys
    assert [(each["price"], each["size"]) for each in shown["bids"]] == [("0.5", "25.5")]
    assert [(each["price"], each["size"]) for each in shown["asks"]] == [("0.52", "30")]


def test_what_cannot_be_served_together_is_refused(recorded: list[Path]) -> None:
    with pytest.raises(BadRecording, match="same window"):
        RecordedWorld([recorded[0], recorded[0]])
    other = SessionStage(recorded[0].parent)
    other.session.begin(market(0, "eth"), None)
    other.session.close()
    with pytest.raises(BadRecording, match="several series"):
        RecordedWorld([recorded[0], other.path(market(0, "eth"))])


def test_opening_recordings_reads_their_heads_alone(
    recorded: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(place: object) -> bytes:
        raise AssertionError(f"{place} is read whole")

    monkeypatch.setattr("research.recordings.reader.read_all", refuse)
    world = RecordedWorld(recorded)

    assert len(world.catalogue) == 2
    list(until(world, -LEAD_MS + 20 - 1))
