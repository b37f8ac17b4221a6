"""An order desk without HTTP and without signatures: one market, orders in few words."""

from __future__ import annotations

import json
from typing import Any

from actors.units import NANOS_PER_DOLLAR, UNITS_PER_SHARE, shares
from venue.engine import Ledger
from venue.engine.messages import Lifetime, NewOrder, Outcome
from venue.faults import Fault, FaultKind, OrderFaults
from venue.frames import Frame
from venue.ordering.desk import OrderDesk
from venue.ordering.ids import hash_text
from venue.ordering.keys import ApiKey, KeyRing
from venue.ordering.signatures import Proof
from venue.ordering.wallets import Wallets
from venue.simulation.listed_window import ListedWindow
from venue.windows import Window
from venue.wire.orders import BUY, Placement, PostedOrder, SignedTerms
from venue.world import STEP_MS, Catalogue

WINDOW = Window.at("btc", 5, 1_795_363_200_000)
START_MS = WINDOW.opens_at_ms
UP, DOWN = WINDOW.tokens
ALICE, BOB = "0x" + "a1" * 20, "0x" + "b2" * 20
ROBOT = "robot"
DELAYED, AT_ONCE = 250, 0
"""How long a marketable order waits, ms."""


def prove_nothing(order: SignedTerms) -> Proof:
    """Believe what an order says of its signer; its id follows from what would be signed."""
    signed = (order.salt, order.signer, order.token_id, order.maker_amount, order.taker_amount)
    return Proof(hash_text(*signed, order.side), order.signer.lower())


class Venue:
    """A desk over one market; Alice and Bob have $1,000 and 100 pairs each."""

    def __init__(
        self,
        taker_delay_ms: int = DELAYED,
        seed: int = 1,
        chances: dict[FaultKind, float] | None = None,
    ) -> None:
        self.now_ms = START_MS
        self.ledger = Ledger()
        self.wallets = Wallets(self.ledger)
        self.market = ListedWindow(WINDOW, self.ledger, taker_delay_ms)
        catalogue = Catalogue()
        catalogue.add(self.market)
        self.faults = OrderFaults(seed, chances)
        self.frames: list[Frame] = []
        self.desk = OrderDesk(
            seed=seed,
            ledger=self.ledger,
            catalogue=catalogue,
            faults=self.faults,
            prove=prove_nothing,
            send=self.frames.extend,
        )
        ring = KeyRing(seed)
        self.keys = {wallet: ring.create(wallet, 0) for wallet in (ALICE, BOB)}
        for wallet in self.keys:
            self.wallets.deposit(wallet, 1_100 * NANOS_PER_DOLLAR)
            self.wallets.split(wallet, WINDOW.condition_id, shares(100))
        self.ledger.open_account(ROBOT, is_unlimited=True)
        self._salt = 0

    def place(self, wallet: str = ALICE, **terms: Any) -> Placement:
        """Post an order; raises OrderRefused."""
        self._salt += 1
        posted = order_of(self.keys[wallet], **({"salt": self._salt} | terms))
        return self.desk.place(self.keys[wallet], posted, self.now_ms)

    def robot(self, order_id: str, outcome: Outcome, price_ticks: int, size: int) -> None:
        """Let a simulated trader bid."""
        order = NewOrder(
            order_id=order_id,
            owner=ROBOT,
            outcome=outcome,
            is_buy=True,
            price_ticks=price_ticks,
            size_units=shares(size),
            lifetime=Lifetime.GTC,
        )
        self.market.publish(self.market.engine.submit(order, self.now_ms), self.now_ms)

    def pass_time(self, elapsed_ms: int) -> None:
        """Let engine and desk follow the clock in small steps, as the server does."""
        until_ms = self.now_ms + elapsed_ms
        while self.now_ms < until_ms:
            self.now_ms = min(until_ms, self.now_ms + STEP_MS)
            if events := self.market.engine.advance(self.now_ms):
                self.market.publish(events, self.now_ms)
            self.desk.advance(self.now_ms)

    def plan(self, kind: FaultKind, **details: Any) -> None:
        self.faults.plan(Fault(kind, **details))

    def told(self, wallet: str = ALICE) -> list[dict[str, Any]]:
        """Events of the user channel that went out to a wallet."""
        return [json.loads(frame.text) for frame in self.frames if wallet in frame.keys]

    def cash(self, wallet: str = ALICE) -> int:
        return self.ledger.account(wallet).cash_nanos

    def held(self, outcome: Outcome, wallet: str = ALICE) -> int:
        return self.ledger.shares_units(wallet, WINDOW.condition_id, outcome)


def order_of(
    api_key: ApiKey,
    *,
    token: str = UP,
    side: str = BUY,
    price: float = 0.5,
    size: float = 10,
    kind: str = "GTC",
    salt: int = 1,
    **changes: Any,
) -> PostedOrder:
    """A posted order; ``money`` in place of the price for a market BUY."""
    units = round(size * UNITS_PER_SHARE)
    millionths = changes.pop("money", None)
    money = round(price * units) if millionths is None else millionths
    given, wanted = (money, units) if side == BUY else (units, money)
    outer = {name: changes.pop(name) for name in ("owner", "post_only") if name in changes}
    terms: dict[str, Any] = {
        "salt": salt,
        "maker": api_key.wallet,
        "signer": api_key.wallet,
        "token_id": token,
        "maker_amount": str(given),
        "taker_amount": str(wanted),
        "side": side,
        "expiration": "0",
        "timestamp": "1795363200000",
        "metadata": "0x" + "00" * 32,
        "builder": "0x" + "00" * 32,
        "signature": "0x",
        "signature_type": 0,
    }
    rest: dict[str, Any] = {"owner": api_key.key, "order_type": kind} | outer
    return PostedOrder(order=SignedTerms(**(terms | changes)), **rest)
