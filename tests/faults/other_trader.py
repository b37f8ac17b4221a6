"""Someone else on the exchange, who trades against our orders with the same client."""

from __future__ import annotations

import asyncio
from types import TracebackType

from fault_stage import FaultStage
from live_stage import LIMIT_S, address_of
from polymarket.errors import RequestRejectedError

from actors.execution.real.client import VenueClient
from actors.execution.real.messages import SignOrder
from actors.model import Action, Side, TimeInForce
from actors.units import TICKS_PER_DOLLAR, shares, units_from_text
from understudy.drill.processes import wait_for

NOTHING_BID = "no orders found to match with FAK order"
_RICH_DOLLARS = 50_000
_SPARE_UNITS = shares(50)


class OtherTrader:
    """Has money and shares enough to trade through any level of a window's books."""

    def __init__(self, stage: FaultStage) -> None:
        self._exchange = stage.exchange
        self._market = stage.market
        self._key = self._exchange.new_wallet()
        self._move("deposit", 2 * _RICH_DOLLARS)
        self._move("split", _RICH_DOLLARS)
        self._runner = asyncio.Runner()
        opening = VenueClient.open(stage.settings.venue, self._key, None)
        self._client = self._runner.run(opening)

    def __enter__(self) -> OtherTrader:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._runner.run(self._client.close())
        self._runner.close()

    def sell_into_bids(self, side: Side, down_to_ticks: int) -> None:
        """Sell as much as is bid for, down to a price: all of it in one trade.

        Once more if somebody has bid meanwhile; not at all if somebody else has sold.
        """
        is_over = False
        while not is_over:
            try:
                self._post(side, Action.SELL, down_to_ticks, self._bid_units(side, down_to_ticks))
            except RequestRejectedError as refusal:
                if NOTHING_BID not in str(refusal):
                    raise
            is_over = self._bid_units(side, down_to_ticks) == _SPARE_UNITS

    def sell_a_little(self, side: Side, down_to_ticks: int) -> None:
        """Sell seven shares, and wait until they are sold."""
        self._post(side, Action.SELL, down_to_ticks, shares(7))

        def is_sold() -> bool:
            return bool(self._exchange.wallet(self._key)["orders"][-1]["filled_units"])

        assert wait_for(is_sold, LIMIT_S), "seven shares find no buyer"

    def buy_against_bids(self, side: Side, down_to_ticks: int) -> None:
        """Buy the other outcome of what is bid for, down to a price: pairs are minted."""
        units = self._bid_units(side, down_to_ticks)
        self._post(side.other, Action.BUY, TICKS_PER_DOLLAR - down_to_ticks, units)

    def _post(self, side: Side, action: Action, price_ticks: int, size_units: int) -> None:
        order = SignOrder(
            order_id="someone else's",
            token=self._market.token(side),
            action=action,
            price_ticks=price_ticks,
            size_units=size_units,
            time_in_force=TimeInForce.FAK if action is Action.SELL else TimeInForce.GTC,
        )
        self._runner.run(self._sign_and_post(order))

    async def _sign_and_post(self, order: SignOrder) -> None:
        signed = await self._client.sign(order)
        await self._client.post(signed.payload)

    def _bid_units(self, side: Side, down_to_ticks: int) -> int:
        """What is bid, and a little more: the public book may not show our order yet."""
        book = self._exchange.get(f"/book?token_id={self._market.token(side)}")
        bids = (
            units_from_text(level["size"])
            for level in book["bids"]
            if round(float(level["price"]) * TICKS_PER_DOLLAR) >= down_to_ticks
        )
        return sum(bids) + _SPARE_UNITS

    def _move(self, action: str, amount: int) -> None:
        body = {
            "wallet": address_of(self._key),
            "action": action,
            "amount": str(amount),
            "market": self._market.market_id,
        }
        self._exchange.post("/admin/wallets", body)
