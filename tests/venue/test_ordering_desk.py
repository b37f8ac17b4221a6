from __future__ import annotations

from typing import Any

import pytest
from ordering_builders import ALICE, AT_ONCE, BOB, DOWN, START_MS, UP, WINDOW, Venue, order_of

from actors.units import NANOS_PER_DOLLAR, shares
from venue.engine.messages import Outcome
from venue.faults import FaultKind
from venue.ordering.desk import OrderRefused
from venue.ordering.signatures import Proof
from venue.ordering.wallets import WalletRefused
from venue.wire.orders import SELL


def refusal(venue: Venue, wallet: str = ALICE, **terms: Any) -> str:
    with pytest.raises(OrderRefused) as refused:
        venue.place(wallet, **terms)
    return str(refused.value)


def kinds(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["type"], event["status"]) for event in events]


def test_an_order_rests_and_is_told_so() -> None:
    venue = Venue()
    placed = venue.place(price=0.4, size=20)
    venue.pass_time(1_000)
    assert placed.status == "live"
    (event,) = venue.told()
    assert (event["event_type"], event["type"], event["status"]) == ("order", "PLACEMENT", "LIVE")
    assert (event["id"], event["asset_id"], event["side"]) == (placed.order_id, UP, "BUY")
    assert (event["price"], event["original_size"], event["size_matched"]) == ("0.4", "20", "0")
    assert event["created_at"] == str(START_MS // 1000)
    assert venue.told(BOB) == []


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"owner": "another key"}, "the order owner has to be the owner of the API KEY"),
        ({"signer": BOB}, "the order signer address has to be the address of the API KEY"),
        ({"maker": BOB}, "invalid signature"),
        ({"signature_type": 1}, "invalid signature"),
        ({"token_id": "1"}, "the market is not yet ready to process new orders"),
        ({"maker_amount": "0"}, "Invalid order payload"),
        ({"taker_amount": "x"}, "Invalid order payload"),
        ({"price": 0.333}, "Price (0.333) breaks minimum tick size rule: 0.01"),
        ({"price": 0.12345}, "Price (0.12345) breaks minimum tick size rule: 0.01"),
        ({"price": 1.0}, "Price (1) breaks minimum tick size rule: 0.01"),
        ({"size": 4}, "Size (4) lower than the minimum: 5"),
        ({"expiration": "1795363300"}, "invalid expiration"),
        ({"expiration": "-"}, "invalid expiration"),
        ({"kind": "GTD"}, "invalid expiration"),
        ({"kind": "GTD", "expiration": str(START_MS // 1000 + 60)}, "invalid expiration"),
        ({"size": 10_000}, "not enough balance / allowance"),
        ({"side": SELL, "size": 101}, "balance: 100000000, order amount: 101000000"),
        ({"price": 0.6, "post_only": True}, "invalid post-only order: order crosses book"),
        ({"kind": "FAK", "money": 1_000_000, "size": 2}, "no orders found to match with FAK order"),
        ({"kind": "FOK", "money": 90_000_000, "size": 100}, "FOK orders are fully filled"),
        ({"kind": "FAK", "money": 990_000, "size": 1.65}, "marketable BUY order ($0.99), min si"),
        ({"kind": "FAK", "money": 1_005_000, "size": 1.5}, "max accuracy of 2 decimals"),
        ({"side": SELL, "kind": "FAK", "size": 5.005, "price": 0.2}, "the market sell orders"),
    ],
)
def test_every_refusal_has_the_words_of_the_venue(terms: dict[str, Any], words: str) -> None:
    venue = Venue()
    venue.robot("ask", Outcome.DOWN, 450, 50)
    assert words in refusal(venue, **terms)
    assert not venue.desk.books.orders_of(ALICE)
    assert venue.told() == []


def test_an_order_signed_by_another_key_is_refused() -> None:
    venue = Venue()
    venue.desk._prove = lambda _order: Proof("0x1", BOB)
    assert refusal(venue) == "invalid signature"


def test_the_same_order_is_taken_once_whatever_became_of_it() -> None:
    venue = Venue()
    placed = venue.place(salt=7)
    again = f"order {placed.order_id} is invalid. Duplicated."
    assert refusal(venue, salt=7) == again
    venue.desk.cancel(ALICE, [placed.order_id], venue.now_ms)
    assert refusal(venue, salt=7) == again


def test_an_order_that_was_refused_may_come_again() -> None:
    venue = Venue()
    assert "crosses" in refusal(venue_with_ask(venue), price=0.6, post_only=True, salt=7)
    assert venue.place(price=0.5, salt=7).status == "live"


def venue_with_ask(venue: Venue) -> Venue:
    venue.robot("ask", Outcome.DOWN, 450, 50)
    return venue


def test_a_marketable_order_is_delayed_cannot_be_cancelled_and_then_trades() -> None:
    venue = venue_with_ask(Venue())
    placed = venue.place(price=0.6, size=20)
    assert (placed.status, placed.money_nanos, placed.trade_ids) == ("delayed", 0, ())
    done = venue.desk.cancel(ALICE, [placed.order_id], venue.now_ms)
    assert done.canceled == ()
    assert "delayed" in done.not_canceled[0][1]
    assert "Duplicated" in refusal(venue, price=0.6, size=20, salt=1)
    venue.pass_time(249)
    assert venue.held(Outcome.UP) == shares(100)
    venue.pass_time(1)
    assert venue.held(Outcome.UP) == shares(120)
    venue.pass_time(1_000)
    told = kinds(venue.told())
    assert told[0] == ("PLACEMENT", "DELAYED")
    assert set(told[1:]) >= {("UPDATE", "MATCHED"), ("TRADE", "MATCHED")}


def test_without_a_delay_the_answer_tells_the_trades() -> None:
    venue = venue_with_ask(Venue(AT_ONCE))
    venue.robot("ask-2", Outcome.DOWN, 440, 50)
    placed = venue.place(kind="FAK", money=30_000_000, size=50)
    assert placed.status == "matched"
    assert placed.size_units == shares(50) + 2_500_000 // 560 * 1_000 + 285
    assert placed.money_nanos <= 30 * NANOS_PER_DOLLAR
    trades = [venue.desk.books.trades[trade_id] for trade_id in placed.trade_ids]
    assert [trade.bucket_index for trade in trades] == [0, 1]
    assert [trade.traded.price_ticks for trade in trades] == [550, 560]


def test_a_trade_settles_and_is_told_at_every_step_to_both_sides() -> None:
    venue = Venue(AT_ONCE)
    resting = venue.place(BOB, token=DOWN, price=0.45, size=30)
    taking = venue.place(ALICE, price=0.55, size=10)
    venue.pass_time(20_000)
    for wallet, side in ((ALICE, "TAKER"), (BOB, "MAKER")):
        trades = [event for event in venue.told(wallet) if event["event_type"] == "trade"]
        assert [event["status"] for event in trades] == ["MATCHED", "MINED", "CONFIRMED"]
        assert {event["id"] for event in trades} == set(taking.trade_ids)
        assert {event["trader_side"] for event in trades} == {side}
        assert {event["owner"] for event in trades} == {venue.keys[wallet].key}
        assert {event["asset_id"] for event in trades} == {UP}
        assert [bool(event["transaction_hash"]) for event in trades] == [False, True, True]
        (part,) = trades[0]["maker_orders"]
        assert (part["order_id"], part["asset_id"]) == (resting.order_id, DOWN)
        assert (part["side"], part["price"], part["matched_amount"]) == ("BUY", "0.45", "10")
    assert venue.desk.books.orders[resting.order_id].filled_units == shares(10)


def test_one_trade_fills_several_orders_of_a_wallet() -> None:
    venue = Venue(AT_ONCE)
    resting = [venue.place(BOB, side=SELL, price=0.55, size=10).order_id for _ in range(2)]
    taking = venue.place(ALICE, price=0.55, size=15)
    (trade_id,) = taking.trade_ids
    trade = venue.desk.books.trades[trade_id]
    assert [maker.order_id for maker in trade.parts[1:]] == resting
    assert len(venue.desk.books.trades_of(BOB)) == 1
    assert [order.filled_units for order in venue.desk.books.orders_of(BOB)] == [
        shares(10),
        shares(5),
    ]


def test_simulated_traders_are_shown_like_real_ones() -> None:
    venue = venue_with_ask(Venue(AT_ONCE))
    placed = venue.place(price=0.55, size=10)
    venue.pass_time(1_000)
    trade = next(event for event in venue.told() if event["event_type"] == "trade")
    (part,) = trade["maker_orders"]
    assert len(part["order_id"]) == len(placed.order_id)
    assert len(part["maker_address"]) == 42
    assert "robot" not in str(trade)


def test_only_the_owner_may_cancel() -> None:
    venue = Venue()
    placed = venue.place()
    done = venue.desk.cancel(BOB, [placed.order_id], venue.now_ms)
    assert done.not_canceled == (
        (placed.order_id, "order can't be found - already canceled or matched"),
    )
    assert venue.desk.cancel(ALICE, [placed.order_id] * 2, venue.now_ms).canceled == (
        placed.order_id,
    )
    again = venue.desk.cancel(ALICE, [placed.order_id], venue.now_ms)
    assert again.canceled == ()
    venue.pass_time(1_000)
    assert kinds(venue.told()) == [("PLACEMENT", "LIVE"), ("CANCELLATION", "CANCELED")]


def test_all_orders_of_a_market_or_a_token_or_a_key_are_cancelled() -> None:
    venue = Venue()
    up, down = venue.place(token=UP).order_id, venue.place(token=DOWN, price=0.3).order_id
    other = venue.place(BOB, price=0.1).order_id
    cancel = venue.desk.cancel_matching
    assert cancel(ALICE, venue.now_ms, market="0xother").canceled == ()
    assert cancel(ALICE, venue.now_ms, api_key="another").canceled == ()
    assert cancel(ALICE, venue.now_ms, token=DOWN).canceled == (down,)
    assert cancel(ALICE, venue.now_ms, market=WINDOW.condition_id).canceled == (up,)
    assert cancel(BOB, venue.now_ms).canceled == (other,)


def test_the_venue_cancels_by_itself_and_says_why() -> None:
    venue = Venue()
    venue.place()
    venue.place(BOB, price=0.4)
    assert venue.desk.cancel_by_venue(venue.now_ms) == 2
    venue.pass_time(1_000)
    for wallet in (ALICE, BOB):
        assert kinds(venue.told(wallet))[-1] == ("CANCELLATION", "CANCELED_NOT_ENOUGH_BALANCE")
    assert venue.ledger.account(ALICE).reserved_nanos == 0


def test_an_order_expires_a_minute_before_its_expiration() -> None:
    venue = Venue()
    placed = venue.place(kind="GTD", expiration=str(START_MS // 1000 + 180))
    venue.pass_time(119_980)
    assert venue.desk.books.orders[placed.order_id].is_open
    venue.pass_time(1_020)
    assert kinds(venue.told())[-1] == ("CANCELLATION", "CANCELED_EXPIRED_ORDER")


def test_what_rests_when_the_market_is_decided_is_cancelled_and_shares_are_paid() -> None:
    venue = Venue()
    venue.place()
    engine = venue.market.engine
    venue.market.publish(engine.resolve(Outcome.UP, venue.now_ms), venue.now_ms)
    venue.pass_time(1_000)
    assert kinds(venue.told())[-1] == ("CANCELLATION", "CANCELED_MARKET_RESOLVED")
    assert venue.cash() == 1_100 * NANOS_PER_DOLLAR
    assert "not yet ready" in refusal(venue)
    venue.ledger.audit()


def test_pairs_are_merged_and_split_but_not_what_orders_hold_back() -> None:
    venue = Venue()
    market_id = WINDOW.condition_id
    venue.place(side=SELL, price=0.9, size=40)
    with pytest.raises(WalletRefused):
        venue.wallets.merge(ALICE, market_id, shares(61))
    venue.wallets.merge(ALICE, market_id, shares(60))
    assert venue.cash() == 1_060 * NANOS_PER_DOLLAR
    venue.place(price=0.5, size=100)
    for move in (venue.wallets.withdraw, lambda w, n: venue.wallets.split(w, market_id, n // 1000)):
        with pytest.raises(WalletRefused):
            move(ALICE, 1_011 * NANOS_PER_DOLLAR)
    venue.wallets.split(ALICE, market_id, shares(10))
    venue.wallets.withdraw(ALICE, 1_000 * NANOS_PER_DOLLAR)
    venue.ledger.audit()


def test_a_ghost_fill_takes_everything_back() -> None:
    venue = venue_with_ask(Venue(AT_ONCE))
    before = (venue.cash(), venue.held(Outcome.UP), venue.cash("fees"))
    venue.plan(FaultKind.GHOST_FILL)
    placed = venue.place(price=0.55, size=10)
    assert placed.status == "matched"
    assert venue.held(Outcome.UP) == shares(110)
    assert "balance: 100000000" in refusal(venue, side=SELL, size=101)
    venue.pass_time(20_000)
    assert (venue.cash(), venue.held(Outcome.UP), venue.cash("fees")) == before
    trades = [event for event in venue.told() if event["event_type"] == "trade"]
    assert [event["status"] for event in trades] == ["MATCHED", "RETRYING", "FAILED"]
    assert venue.desk.books.orders[placed.order_id].status_text == "MATCHED"
    assert venue.place(side=SELL, price=0.9, size=100).status == "live"
    venue.ledger.audit()


def test_a_ghost_sale_gives_the_shares_back() -> None:
    venue = Venue(AT_ONCE)
    venue.place(BOB, price=0.5, size=30)
    venue.plan(FaultKind.GHOST_FILL)
    before = [(venue.cash(wallet), venue.held(Outcome.UP, wallet)) for wallet in (ALICE, BOB)]
    venue.place(ALICE, side=SELL, price=0.5, size=30)
    assert venue.held(Outcome.UP, BOB) == shares(130)
    venue.pass_time(20_000)
    after = [(venue.cash(wallet), venue.held(Outcome.UP, wallet)) for wallet in (ALICE, BOB)]
    assert after == before
    venue.ledger.audit()


def test_a_ghost_fill_has_failed_before_the_market_pays_out() -> None:
    venue = venue_with_ask(Venue(AT_ONCE))
    venue.plan(FaultKind.GHOST_FILL)
    venue.now_ms = WINDOW.resolves_at_ms - 1_500
    placed = venue.place(price=0.55, size=10)
    venue.pass_time(500)
    assert venue.desk.books.trades[placed.trade_ids[0]].status.value == "FAILED"
    venue.plan(FaultKind.GHOST_FILL)
    late = venue.place(price=0.55, size=10)
    engine = venue.market.engine
    venue.market.publish(engine.resolve(Outcome.UP, WINDOW.resolves_at_ms), WINDOW.resolves_at_ms)
    venue.pass_time(30_000)
    assert venue.desk.books.trades[late.trade_ids[0]].status.value == "CONFIRMED"


def test_a_retried_trade_is_confirmed_in_the_end() -> None:
    venue = venue_with_ask(Venue(AT_ONCE))
    venue.plan(FaultKind.RETRIED_TRADE)
    venue.place(price=0.55, size=10)
    venue.pass_time(30_000)
    trades = [event["status"] for event in venue.told() if event["event_type"] == "trade"]
    assert trades == ["MATCHED", "RETRYING", "MINED", "CONFIRMED"]


def test_shares_that_lag_cannot_be_sold_until_the_balance_is_updated() -> None:
    venue = venue_with_ask(Venue(AT_ONCE))
    venue.plan(FaultKind.SHARE_LAG, count=2, for_ms=3_000)
    venue.place(price=0.55, size=10)
    words = "balance: 100000000, order amount: 105000000"
    assert words in refusal(venue, side=SELL, price=0.9, size=105)
    venue.pass_time(3_000)
    assert venue.place(side=SELL, price=0.9, size=105).status == "live"
    venue.place(price=0.55, size=10)
    assert "balance: 5000000" in refusal(venue, side=SELL, price=0.9, size=10)
    venue.desk.books.refresh_shares(ALICE)
    assert venue.place(side=SELL, price=0.9, size=10).status == "live"


def test_a_long_delay_is_for_one_order_alone() -> None:
    venue = venue_with_ask(Venue())
    venue.plan(FaultKind.LONG_DELAY, for_ms=8_000)
    slow = venue.place(price=0.55, size=10)
    quick = venue.place(price=0.55, size=10)
    venue.pass_time(250)
    orders = venue.desk.books.orders
    assert [orders[one.order_id].status_text for one in (slow, quick)] == ["DELAYED", "MATCHED"]
    venue.pass_time(7_750)
    assert orders[slow.order_id].status_text == "MATCHED"


def test_an_order_may_be_called_unmatched_and_rest_all_the_same() -> None:
    venue = Venue()
    venue.plan(FaultKind.UNMATCHED)
    placed = venue.place()
    assert placed.status == "unmatched"
    assert venue.desk.books.orders[placed.order_id].is_open


def test_a_delayed_order_that_finds_no_one_rests() -> None:
    venue = venue_with_ask(Venue())
    placed = venue.place(price=0.55, size=10)
    venue.market.publish(venue.market.engine.cancel("ask", "CANCELED", venue.now_ms), venue.now_ms)
    venue.pass_time(1_250)
    assert kinds(venue.told()) == [("PLACEMENT", "DELAYED"), ("PLACEMENT", "LIVE")]
    assert venue.desk.books.orders[placed.order_id].status_text == "LIVE"


def test_events_are_sent_twice_or_late_or_replayed() -> None:
    venue = Venue()
    venue.plan(FaultKind.DUPLICATE_EVENT)
    venue.place()
    venue.pass_time(5_000)
    first, second = venue.told()
    assert first == second
    venue.desk.replay(1, venue.now_ms)
    venue.pass_time(20)
    assert venue.told()[-1] == first
    venue.plan(FaultKind.LATE_EVENT)
    late = venue.place(BOB, price=0.1)
    venue.desk.cancel(BOB, [late.order_id], venue.now_ms)
    venue.pass_time(1_000)
    assert [event["type"] for event in venue.told(BOB)] == ["CANCELLATION", "PLACEMENT"]


def test_order_and_trade_events_race_but_each_order_is_told_in_order() -> None:
    firsts = set()
    for seed in range(12):
        venue = venue_with_ask(Venue(AT_ONCE, seed))
        venue.place(price=0.55, size=60)
        venue.pass_time(400)
        events = venue.told()
        firsts.add(events[0]["event_type"])
        order = [event["type"] for event in events if event["event_type"] == "order"]
        assert order == ["UPDATE", "PLACEMENT"]
    assert firsts == {"order", "trade"}


def test_the_same_seed_settles_in_the_same_way() -> None:
    def story(seed: int) -> list[dict[str, Any]]:
        venue = venue_with_ask(Venue(AT_ONCE, seed, {FaultKind.GHOST_FILL: 0.5}))
        for _ in range(4):
            venue.place(price=0.55, size=10)
        venue.pass_time(12_000)
        return venue.told()

    assert story(3) == story(3)
    assert story(3) != story(4)


def test_a_bad_payload_of_another_wallet_is_never_recorded() -> None:
    venue = Venue()
    posted = order_of(venue.keys[BOB])
    with pytest.raises(OrderRefused):
        venue.desk.place(venue.keys[ALICE], posted, venue.now_ms)
    assert venue.desk.books.orders == {}
