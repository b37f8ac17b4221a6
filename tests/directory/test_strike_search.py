from __future__ import annotations

import attrs
import pytest
from core_stage import through_the_journal
from venue_double import START_MS, WINDOW_MS, DirectoryStage, market_id, slug_of, tick

from actors.core import Save
from actors.directory.strike_search import TICK_LIMIT_MS
from actors.directory.windows import WindowState
from actors.messages.directory import HttpAnswered, HttpGet, MarketOpened, WindowNotTraded
from actors.messages.feeds import TwapTickWanted
from actors.model import Strike, StrikeOrigin
from actors.roles import DESK, OBSERVER, TWAP_FEED
from actors.runtime.codec import decode_as
from actors.settings import Settings, VenueSettings
from actors.units import E18

END_MS = START_MS + WINDOW_MS


@pytest.fixture
def stage() -> DirectoryStage:
    """A directory that sees the window of START_MS from its start."""
    return DirectoryStage(START_MS)


@pytest.fixture
def with_website() -> DirectoryStage:
    settings = Settings(venue=VenueSettings(website_url="https://polymarket.com"))
    return DirectoryStage(START_MS, settings)


def website(text: str, status: int = 200, retry_after_ms: int = 0) -> HttpAnswered:
    return HttpAnswered("", status, text.encode(), retry_after_ms)


def strike(stage: DirectoryStage) -> Strike | None:
    told = [m for m in stage.told(DESK, MarketOpened) if m.market.opens_at_ms == START_MS]
    return told[-1].strike


def missing(stage: DirectoryStage) -> list[WindowNotTraded]:
    return [event for event in stage.events if isinstance(event, WindowNotTraded)]


# The tick


def test_f44_a_tick_that_did_not_come_is_fetched_again_and_no_more_after_two_minutes(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.run(START_MS + 4_000)
    assert stage.told(TWAP_FEED, TwapTickWanted) == []
    stage.run(END_MS - 1_000)
    wanted = [each.timestamp_ms for each in stage.told(TWAP_FEED, TwapTickWanted)]
    assert set(wanted) == {START_MS}
    assert 3 <= len(wanted) <= 10
    assert TICK_LIMIT_MS < 120_000


def test_f44_a_tick_out_of_a_renewed_subscription_is_the_strike_and_ends_the_search(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.run(START_MS + 30_000)
    stage.give(tick(START_MS, 65_000))
    found = strike(stage)
    assert found is not None
    assert (found.price_e18, found.origin) == (65_000 * E18, StrikeOrigin.TICK)
    stage.forget()
    stage.run(END_MS - 1_000)
    assert stage.told(TWAP_FEED, TwapTickWanted) == []
    assert stage.venue.asked_for("/events/slug/") == 1


def test_a_tick_that_comes_by_itself_is_not_asked_for_and_nobody_else_is(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.run(START_MS + 1_000)
    stage.give(tick(START_MS, 65_000))
    stage.run(END_MS - 1_000)
    assert stage.told(TWAP_FEED, TwapTickWanted) == []
    assert stage.venue.asked_for("/events/slug/") == 0
    assert missing(stage) == []


def test_f44_the_close_s_tick_is_fetched_again_too(stage: DirectoryStage) -> None:
    stage.begin()
    stage.give(tick(START_MS))
    stage.venue.missing.add(END_MS)
    stage.run(END_MS + 10_000)
    assert [each.timestamp_ms for each in stage.told(TWAP_FEED, TwapTickWanted)] == [END_MS]


def test_f44_without_any_strike_that_is_said_and_recorded_once_a_window_also_over_restarts(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.run(START_MS + 300_000)
    stage.begin()
    stage.run(END_MS - 1_000)
    (event,) = missing(stage)
    assert (event.slug, event.market_id) == (slug_of(START_MS), market_id())
    assert "requested" in event.reason
    assert "metadata has none" in event.reason
    assert [log.level for log in stage.complaints] == ["warning"]
    assert {each.slug for each in stage.told(OBSERVER, WindowNotTraded)} == {event.slug}


def test_f44_a_window_that_the_run_came_late_to_says_so(stage: DirectoryStage) -> None:
    late = DirectoryStage(START_MS + 400_000)
    late.begin()
    late.run(END_MS - 1_000)
    assert late.told(TWAP_FEED, TwapTickWanted) == []
    assert "too late" in missing(late)[0].reason


# The venue's metadata


def test_the_metadata_s_price_to_beat_is_a_strike_when_the_tick_is_not_to_be_had(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.run(START_MS + 60_000)
    stage.venue.prices[START_MS] = {"priceToBeat": 65026.457815}
    stage.run(START_MS + 90_000)
    found = strike(stage)
    assert found is not None
    assert (found.price_e18, found.origin) == (65026457815 * 10**12, StrikeOrigin.GAMMA)
    assert found.timestamp_ms == START_MS
    assert "priceToBeat" in found.source
    assert any(found.source in log.text for log in stage.logs)


def test_a_tick_that_comes_after_all_takes_the_place_of_the_metadata_s_price_and_not_the_reverse(
    stage: DirectoryStage,
) -> None:
    stage.venue.prices[START_MS] = {"priceToBeat": 65001}
    stage.begin()
    stage.run(START_MS + 50_000)
    stage.give(tick(START_MS, 65_000))
    stage.run(END_MS - 1_000)
    assert stage.strikes() == [None, 65_001, 65_000]
    assert [log.level for log in stage.complaints] == ["warning"]
    assert "65001" in stage.complaints[0].text


@pytest.mark.parametrize(
    "metadata",
    [None, {}, {"priceToBeat": None}, {"priceToBeat": 0}, {"priceToBeat": "NaN"}, {"x": 1}],
)
def test_metadata_that_names_no_price_gives_no_strike(
    stage: DirectoryStage, metadata: dict[str, object] | None
) -> None:
    if metadata is not None:
        stage.venue.prices[START_MS] = metadata
    stage.begin()
    stage.run(END_MS - 1_000)
    assert stage.strikes() == [None]
    assert len(missing(stage)) == 1


def test_f44_a_strike_found_after_it_was_said_to_be_missing_is_announced(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.run(START_MS + 200_000)
    stage.venue.prices[START_MS] = {"priceToBeat": "65026.5"}
    stage.run(START_MS + 300_000)
    stage.forget()
    stage.run(START_MS + 400_000)
    assert strike(stage) is not None
    assert stage.told(OBSERVER, WindowNotTraded) == []


# The website


def test_the_website_is_not_asked_unless_the_settings_say_so(stage: DirectoryStage) -> None:
    stage.venue.website[START_MS] = website('{"openPrice":65000}')
    stage.begin()
    stage.run(END_MS - 1_000)
    assert stage.venue.asked_for("crypto-price") == 0
    assert stage.strikes() == [None]


def test_the_website_s_price_is_the_last_resort_and_is_asked_for_with_the_average(
    with_website: DirectoryStage,
) -> None:
    stage = with_website
    stage.venue.website[START_MS] = website('{"openPrice":65000.25,"closePrice":null}')
    stage.begin()
    stage.run(START_MS + 44_000)
    assert stage.venue.asked_for("crypto-price") == 0, "its first values are not to be trusted"
    stage.run(START_MS + 55_000)
    found = strike(stage)
    assert found is not None
    assert (found.price_e18, found.origin) == (6500025 * 10**16, StrikeOrigin.WEBSITE)
    (asked, *_) = [url for url in stage.venue.asked if "crypto-price" in url]
    assert "symbol=BTC" in asked
    assert "variant=fifteen" in asked
    assert "twapEnabled=true&twapLookbackSeconds=60" in asked


def test_the_website_s_correction_is_taken_and_told_and_better_sources_stand_above_it(
    with_website: DirectoryStage,
) -> None:
    stage = with_website
    stage.venue.website[START_MS] = website('{"openPrice":65000}')
    stage.begin()
    stage.run(START_MS + 55_000)
    stage.venue.website[START_MS] = website('{"openPrice":65034}')
    stage.run(START_MS + 120_000)
    assert stage.strikes() == [None, 65_000, 65_034]
    assert "it was 65000" in stage.complaints[-1].text
    stage.venue.prices[START_MS] = {"priceToBeat": 65035}
    stage.run(START_MS + 240_000)
    stage.venue.website[START_MS] = website('{"openPrice":1}')
    stage.run(END_MS - 1_000)
    assert stage.strikes() == [None, 65_000, 65_034, 65_035]


def test_a_website_that_asks_for_patience_gets_it(with_website: DirectoryStage) -> None:
    stage = with_website
    stage.venue.website[START_MS] = website("slow down", 429, retry_after_ms=300_000)
    stage.begin()
    stage.run(START_MS + 335_000)
    assert stage.venue.asked_for("crypto-price") == 1
    stage.run(START_MS + 355_000)
    assert stage.venue.asked_for("crypto-price") == 2


def test_a_market_that_names_no_average_is_not_asked_for_on_the_website(
    with_website: DirectoryStage,
) -> None:
    stage = with_website
    stage.venue.changes = {"cryptoMarketConfig": None}
    stage.begin()
    stage.run(END_MS - 1_000)
    assert stage.venue.asked_for("crypto-price") == 0
    assert stage.told(TWAP_FEED, TwapTickWanted) == []
    assert "names no average" in missing(stage)[0].reason


# Restarts and earlier releases


def test_a_restart_goes_on_with_a_lesser_strike_and_still_looks_for_a_better(
    stage: DirectoryStage,
) -> None:
    stage.venue.prices[START_MS] = {"priceToBeat": 65001}
    stage.begin()
    stage.run(START_MS + 30_000)
    stage.begin()
    stage.run(START_MS + 40_000)
    assert stage.strikes() == [None, 65_001]
    assert stage.told(TWAP_FEED, TwapTickWanted)[-1] == TwapTickWanted(START_MS, "btc")
    stage.give(tick(START_MS, 65_000))
    assert stage.strikes()[-1] == 65_000


def test_a_strike_of_an_earlier_release_from_a_neighbouring_tick_is_dropped(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.run(START_MS)
    (window,) = stage.saved("window")
    assert isinstance(window, WindowState)
    near = Strike(price_e18=1, source="twap-60s tick of the window's start", timestamp_ms=START_MS)
    for strike_ms, expected in ((START_MS, near), (START_MS + 300, None)):
        old = attrs.evolve(window, strike=attrs.evolve(near, timestamp_ms=strike_ms))
        restarted = DirectoryStage(START_MS)
        restarted.start(old)
        assert restarted.told(DESK, MarketOpened)[-1].strike == expected


def test_a_window_recorded_by_an_earlier_release_is_read() -> None:
    text = (
        '{"market":{"market_id":"0x1","slug":"s","yes_token":"a","no_token":"b","opens_at_ms":1,'
        '"closes_at_ms":2,"tick_size_ticks":10,"minimum_size_units":5,"minimum_notional_nanos":1,'
        '"fee_rate_bps":700,"twap_window_s":60},"strike":{"price_e18":7,"source":"twap-60s",'
        '"timestamp_ms":1},"close":null,"resolution":null}'
    )
    window = decode_as(WindowState, text)
    assert window.strike is not None
    assert window.strike.origin is StrikeOrigin.TICK
    assert through_the_journal(Save("window", "0x1", window).value) == window


def test_a_question_that_was_answered_after_the_end_changes_nothing(stage: DirectoryStage) -> None:
    stage.begin()
    stage.run(END_MS + 1_000)
    stage.forget()
    body = b'{"slug":"%s","eventMetadata":{"priceToBeat":1}}' % slug_of(START_MS).encode()
    assert stage.give(HttpAnswered(f"event/{market_id()}@{END_MS}", 200, body)) == []
    assert [each for each in stage.commands if isinstance(each, HttpGet)] == []
