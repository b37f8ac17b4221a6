"""The reference feed: each underlying's price at Coinbase, at most one every 50 ms."""

from __future__ import annotations

from typing import Any

from actors.core import Command, Dice, Effects, Log
from actors.feeds.coinbase import (
    CoinbaseEvent,
    CoinbaseRefusal,
    CoinbaseTicker,
    decode,
    subscribe_text,
    unsubscribe_text,
)
from actors.feeds.connection import Rhythm, SendText
from actors.feeds.feed_core import FeedCore
from actors.feeds.reference_product import PRICE_TIMER, ReferenceProduct
from actors.roles import MARKET_STATE
from actors.series import SeriesSettings
from actors.settings import Settings, VenueSettings


class ReferenceFeedCore(FeedCore):
    """Feeds the market states that have a predictor; a newer price replaces one not yet sent.

    Each product is subscribed separately: one that Coinbase refuses, or sends nothing about, does
    not affect the others.
    """

    rhythm = Rhythm(stale_after_ms=10_000)

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        products = [_product(settings, asset) for asset in settings.assets]
        self._products = {product.name: product for product in products}
        self._refused: set[str] = set()
        """Products that Coinbase does not serve on this connection."""
        self._refusals_told: set[str] = set()

    def url(self, venue: VenueSettings) -> str:
        """Return the address of Coinbase's exchange feed."""
        return venue.coinbase_ws_url

    def first_texts(self) -> tuple[str, ...]:
        """Subscribe to ticker and heartbeat."""
        return tuple(subscribe_text(name) for name in self._products)

    def decode(self, raw: bytes) -> list[Any]:
        """Decode a frame; events of other products are left out."""
        return [event for event in decode(raw) if self._is_ours(event)]

    @property
    def is_serving(self) -> bool:
        """Whether the connection is up and has delivered a price."""
        return super().is_serving and self.data_at_ms is not None

    @property
    def data_at_ms(self) -> int | None:
        """When the last price arrived; heartbeats do not count."""
        told = (each for each in self._products.values() if each.last is not None)
        return max((each.price_at_ms or 0 for each in told), default=None)

    def take(self, events: list[Any], oldest_ns: int, now_ms: int) -> Effects:
        """Check the sequence, and send the newest prices."""
        del oldest_ns
        effects: Effects = []
        touched: dict[str, ReferenceProduct] = {}
        for event in events:
            if isinstance(event, CoinbaseRefusal):
                if not self._is_of_one(event):
                    return self.lose(f"Coinbase refused: {event.text}", now_ms)
                effects += self._do_without(event)
                continue
            product = touched[event.product] = self._products[event.product]
            if isinstance(event, CoinbaseTicker):
                effects += product.take_ticker(event, now_ms)
            else:
                product.check_for_loss(event)
        self.sequence_gap_count = sum(each.sequence_gap_count for each in self._products.values())
        for product in touched.values():
            effects += product.tell(now_ms)
        return effects + self._look_at_age(now_ms)

    def take_timer(self, key: str, now_ms: int) -> Effects:
        """Send the price that was delayed."""
        waiting = (each for each in self._products.values() if each.timer_key == key)
        return [effect for each in waiting for effect in each.tell(now_ms)]

    def catch_up(self, role: str, now_ms: int) -> Effects:
        """Send a new market state the newest price."""
        products = self._products.values()
        return [effect for each in products for effect in each.tell_again(role, now_ms)]

    def forget_connection(self) -> None:
        """Restart the checks of sequence and trades: events between connections are not a gap."""
        self._refused.clear()
        for product in self._products.values():
            product.forget_connection()

    def _is_ours(self, event: CoinbaseEvent) -> bool:
        return isinstance(event, CoinbaseRefusal) or event.product in self._products

    def _named(self, refusal: CoinbaseRefusal) -> set[str]:
        return {name for name in self._products if name in refusal.text}

    def _is_of_one(self, refusal: CoinbaseRefusal) -> bool:
        """Return whether a refusal leaves other products served."""
        named = self._named(refusal)
        return bool(named) and not self._products.keys() <= (named | self._refused)

    def _do_without(self, refusal: CoinbaseRefusal) -> Effects:
        """Continue with the other products; log once why one has no price."""
        new = self._named(refusal) - self._refusals_told
        self._refused |= self._named(refusal)
        self._refusals_told |= new
        text = f"no reference price of {', '.join(sorted(new))}: Coinbase refused: {refusal.text}"
        return [Log("error", text)] if new else []

    def _look_at_age(self, now_ms: int) -> Effects:
        """Drop a connection with heartbeats but without prices; a heartbeat comes every second.

        While it delivers other products' prices, only the missing product is resubscribed.
        """
        served = [each for each in self._products.values() if each.name not in self._refused]
        ages_ms = {each.name: each.age_beyond_limit_ms(now_ms) for each in served}
        old = [name for name, age_ms in ages_ms.items() if age_ms]
        if not old:
            return []
        if len(old) == len(served):
            return self.go_stale("price", min(ages_ms.values()), now_ms)
        effects: Effects = []
        for name in old:
            self._products[name].price_at_ms = now_ms
            text = f"no price of {name} for {ages_ms[name]} ms: resubscribing"
            renewed = (unsubscribe_text(name), subscribe_text(name))
            effects += [Log("warning", text), *(Command(SendText(each)) for each in renewed)]
        return effects


def _product(settings: Settings, asset: str) -> ReferenceProduct:
    series = [plan.series for plan in settings.plans if plan.series.asset == asset]
    name = SeriesSettings(asset=asset).coinbase_product
    return ReferenceProduct(
        name=name,
        readers=tuple(settings.role(MARKET_STATE, each.name) for each in series),
        timer_key=PRICE_TIMER if not settings.traded else f"{PRICE_TIMER}/{name}",
    )
