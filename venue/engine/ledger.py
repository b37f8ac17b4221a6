"""Balances: money, shares, reservations of open orders, and the collateral behind shares.

Shares exist only in pairs backed by $1 of collateral. So every match, of whatever kind, is two legs
through the market's pool: a buyer pays its price in and takes a share out, a seller puts a share in
and takes its price out. Two legs at matching prices keep the pool backed. A buy and a sell of one
outcome leave it unchanged (COMPLEMENTARY), two buys whose prices add up to $1 add a pair (MINT),
two sells remove one (MERGE).

All money is accounted for at any time: cash of all accounts + collateral of all pools == deposits.
"""

from __future__ import annotations

from collections.abc import Collection

import attrs
import msgspec

from actors.core import require
from actors.units import PAYOUT_TICKS
from venue.engine.messages import Outcome

VOID_TICKS = PAYOUT_TICKS // 2
"""What every share pays when a market has no winner."""


FEES = "fees"
"""The account that collects taker fees."""
WORLD = "world"
"""The account that lends to unlimited ones; the only one that may be negative."""


class UnknownAccount(LookupError):
    """The owner has no account."""


class NotEnoughFunds(ValueError):
    """The owner has less than the operation takes."""


@attrs.define(eq=False)
class ShareHolding:
    """An account's shares of one outcome."""

    units: int = 0
    reserved_units: int = 0
    """Reserved by open sells."""


@attrs.define(eq=False)
class Account:
    """One owner's money and shares; only the ledger changes it.

    An unlimited account belongs to a simulated trader. It reserves nothing for open orders, and the
    world lends what it lacks when it trades.
    """

    owner: str
    is_unlimited: bool = False
    cash_nanos: int = 0
    reserved_nanos: int = 0
    """Reserved by open buys."""
    holdings: dict[tuple[str, Outcome], ShareHolding] = attrs.field(factory=dict)

    @property
    def free_nanos(self) -> int:
        """Money not reserved by open orders; negative when they reserve more than there is."""
        return self.cash_nanos - self.reserved_nanos

    def holding(self, market_id: str, outcome: Outcome) -> ShareHolding:
        """The account's shares of an outcome."""
        key = (market_id, outcome)
        found = self.holdings.get(key)
        if found is None:
            found = self.holdings[key] = ShareHolding()
        return found

    @property
    def is_short(self) -> bool:
        """Whether open orders reserve more than the account has."""
        return self.free_nanos < 0 or any(
            holding.units < holding.reserved_units for holding in self.holdings.values()
        )


@attrs.define(eq=False)
class Pool:
    """One market's collateral, and the shares it backs."""

    collateral_nanos: int = 0
    issued_units: dict[Outcome, int] = attrs.field(factory=lambda: dict.fromkeys(Outcome, 0))

    @property
    def is_backed(self) -> bool:
        """Whether there are only whole pairs, each backed by $1."""
        return all(
            issued * PAYOUT_TICKS == self.collateral_nanos for issued in self.issued_units.values()
        )


class Leg(msgspec.Struct, frozen=True):
    """One party's half of a match, from that party's side."""

    owner: str
    outcome: Outcome
    is_buy: bool
    price_ticks: int


class Ledger:
    """The accounts of all owners across all markets of one exchange."""

    def __init__(self) -> None:
        self._accounts = {FEES: Account(FEES), WORLD: Account(WORLD)}
        self._pools: dict[str, Pool] = {}
        self._deposited_nanos = 0
        self._short_owners: dict[str, None] = {}

    # accounts

    def open_account(self, owner: str, *, is_unlimited: bool = False) -> Account:
        """Return the owner's account, created if there is none yet."""
        account = self._accounts.setdefault(owner, Account(owner, is_unlimited))
        require(
            account.is_unlimited == is_unlimited, f"{owner} already has another kind of account"
        )
        return account

    def account(self, owner: str) -> Account:
        """Return the owner's account, to be read.

        Raises:
            UnknownAccount: it was never opened.
        """
        try:
            return self._accounts[owner]
        except KeyError:
            raise UnknownAccount(f"{owner!r} has no account at this exchange") from None

    def shares_units(self, owner: str, market_id: str, outcome: Outcome) -> int:
        """All shares of an outcome the owner has."""
        return self.account(owner).holding(market_id, outcome).units

    def free_shares_units(self, owner: str, market_id: str, outcome: Outcome) -> int:
        """Shares of an outcome not reserved by open sells."""
        holding = self.account(owner).holding(market_id, outcome)
        return holding.units - holding.reserved_units

    # wallet operations, which ignore open orders

    def deposit(self, owner: str, amount_nanos: int) -> None:
        """Add money from outside."""
        account = self.account(owner)
        require(amount_nanos >= 0, f"a deposit of {amount_nanos} nanos")
        account.cash_nanos += amount_nanos
        self._deposited_nanos += amount_nanos
        self._note_shortage(account)

    def withdraw(self, owner: str, amount_nanos: int) -> None:
        """Take money out, even if open orders reserve it; the engine then cancels those.

        Raises:
            NotEnoughFunds: the owner has less.
        """
        account = self.account(owner)
        require(amount_nanos >= 0, f"a withdrawal of {amount_nanos} nanos")
        self._pay(account, amount_nanos)
        self._deposited_nanos -= amount_nanos
        self._note_shortage(account)

    def split(self, owner: str, market_id: str, size_units: int) -> None:
        """Turn money into pairs of shares, $1 each.

        Raises:
            NotEnoughFunds: the owner has less money.
        """
        account = self.account(owner)
        require(size_units >= 0, f"a split of {size_units} units")
        self._pay(account, size_units * PAYOUT_TICKS)
        pool = self._pool(market_id)
        pool.collateral_nanos += size_units * PAYOUT_TICKS
        for outcome in Outcome:
            pool.issued_units[outcome] += size_units
            account.holding(market_id, outcome).units += size_units
        self._note_shortage(account)

    def merge(self, owner: str, market_id: str, size_units: int) -> None:
        """Turn pairs of shares back into money, $1 each.

        Raises:
            NotEnoughFunds: the owner has fewer pairs.
        """
        account = self.account(owner)
        pairs_units = min(account.holding(market_id, outcome).units for outcome in Outcome)
        if not 0 <= size_units <= pairs_units:
            raise NotEnoughFunds(f"{owner} has {pairs_units} units of pairs, not {size_units}")
        pool = self._pool(market_id)
        pool.collateral_nanos -= size_units * PAYOUT_TICKS
        for outcome in Outcome:
            pool.issued_units[outcome] -= size_units
            account.holding(market_id, outcome).units -= size_units
        account.cash_nanos += size_units * PAYOUT_TICKS
        self._note_shortage(account)

    # reservations of open orders

    def reserve_cash(self, owner: str, amount_nanos: int) -> bool:
        """Reserve money for a buy; if less is free, return False and change nothing."""
        account = self.account(owner)
        if account.is_unlimited:
            return True
        if amount_nanos > account.free_nanos:
            return False
        account.reserved_nanos += amount_nanos
        return True

    def release_cash(self, owner: str, amount_nanos: int) -> None:
        """Reserve that much money less."""
        account = self.account(owner)
        if account.is_unlimited:
            return
        account.reserved_nanos -= amount_nanos
        require(account.reserved_nanos >= 0, f"{owner} released more money than was reserved")
        self._review_shortage(account)

    def reserve_shares(self, owner: str, market_id: str, outcome: Outcome, size_units: int) -> bool:
        """Reserve shares for a sell; if fewer are free, return False and change nothing."""
        account = self.account(owner)
        if account.is_unlimited:
            return True
        holding = account.holding(market_id, outcome)
        if size_units > holding.units - holding.reserved_units:
            return False
        holding.reserved_units += size_units
        return True

    def release_shares(self, owner: str, market_id: str, outcome: Outcome, size_units: int) -> None:
        """Reserve that many shares less."""
        account = self.account(owner)
        if account.is_unlimited:
            return
        holding = account.holding(market_id, outcome)
        holding.reserved_units -= size_units
        require(holding.reserved_units >= 0, f"{owner} released more shares than were reserved")
        self._review_shortage(account)

    @property
    def short_owners(self) -> Collection[str]:
        """Owners whose open orders reserve more than they have, longest first."""
        return self._short_owners

    def lacks(self, owner: str, market_id: str, outcome: Outcome, *, is_buy: bool) -> bool:
        """Whether the owner has too little for its open buys, or for its sells of this outcome."""
        if is_buy:
            return self.account(owner).free_nanos < 0
        return self.free_shares_units(owner, market_id, outcome) < 0

    # matches

    def settle(self, market_id: str, size_units: int, one: Leg, other: Leg) -> None:
        """Settle both halves of a match through the market's pool.

        Raises:
            NotEnoughFunds: a party lacks what it gives; reservations prevent that.
        """
        pool = self._pool(market_id)
        for leg in (one, other):
            account = self.account(leg.owner)
            if leg.is_buy:
                self._buy(account, market_id, pool, leg, size_units)
            else:
                self._sell(account, market_id, pool, leg, size_units)
        require(pool.is_backed, f"the legs {one} and {other} do not make a match")

    def charge_fee(self, owner: str, fee_nanos: int) -> int:
        """Collect a taker's fee and return it: all of it, or what is free if that is less.

        An order's reservation covers the fees at its limit price. So this waives at most what many
        small fees were rounded up by, or what a better book adds during the delay of a BUY that
        names money.
        """
        account = self.account(owner)
        charged = fee_nanos if account.is_unlimited else min(fee_nanos, max(0, account.free_nanos))
        self._pay(account, charged)
        self._accounts[FEES].cash_nanos += charged
        return charged

    def refund_fee(self, owner: str, fee_nanos: int) -> None:
        """Return a collected fee because its trade failed."""
        require(0 <= fee_nanos <= self._accounts[FEES].cash_nanos, f"a refund of {fee_nanos} nanos")
        account = self.account(owner)
        self._accounts[FEES].cash_nanos -= fee_nanos
        account.cash_nanos += fee_nanos
        self._review_shortage(account)

    def pay_out(self, market_id: str, winner: Outcome | None) -> None:
        """Redeem every share of a resolved market: $1 or nothing, or half each if it is void."""
        pool = self._pool(market_id)
        for account in self._accounts.values():
            for outcome in Outcome:
                holding = account.holdings.pop((market_id, outcome), None)
                if holding is None:
                    continue
                require(
                    holding.reserved_units == 0,
                    f"{account.owner} still offers shares of {market_id}, which is resolved",
                )
                paid_nanos = holding.units * _payout_ticks(outcome, winner)
                account.cash_nanos += paid_nanos
                pool.collateral_nanos -= paid_nanos
        require(pool.collateral_nanos == 0, f"{market_id} did not pay out all its collateral")
        del self._pools[market_id]

    def audit(self) -> None:
        """Check every invariant that must hold between two operations.

        Raises:
            AssertionError: money or shares appeared or vanished, or a balance is impossible.
        """
        cash_nanos = sum(account.cash_nanos for account in self._accounts.values())
        collateral_nanos = sum(pool.collateral_nanos for pool in self._pools.values())
        require(
            cash_nanos + collateral_nanos == self._deposited_nanos,
            f"cash {cash_nanos} + collateral {collateral_nanos} != {self._deposited_nanos}",
        )
        for account in self._accounts.values():
            require(
                account.owner == WORLD or account.cash_nanos >= 0, f"{account.owner} is in debt"
            )
            require(account.reserved_nanos >= 0, f"{account.owner} has a negative reservation")
        for market_id, pool in self._pools.items():
            self._audit_shares(market_id, pool)

    # internals

    def _audit_shares(self, market_id: str, pool: Pool) -> None:
        require(pool.is_backed, f"the shares of {market_id} are not backed by its collateral")
        for outcome in Outcome:
            held = [
                account.holdings[market_id, outcome]
                for account in self._accounts.values()
                if (market_id, outcome) in account.holdings
            ]
            require(
                sum(holding.units for holding in held) == pool.issued_units[outcome],
                f"shares of {market_id} {outcome.value} appeared or vanished",
            )
            require(
                all(holding.units >= 0 and holding.reserved_units >= 0 for holding in held),
                f"someone holds or reserves less than no shares of {market_id} {outcome.value}",
            )

    def _pool(self, market_id: str) -> Pool:
        pool = self._pools.get(market_id)
        if pool is None:
            pool = self._pools[market_id] = Pool()
        return pool

    def _pay(self, account: Account, amount_nanos: int) -> None:
        """Take money from an account; the world lends what an unlimited one lacks."""
        lacking_nanos = amount_nanos - account.cash_nanos
        if lacking_nanos > 0:
            if not account.is_unlimited:
                raise NotEnoughFunds(
                    f"{account.owner} has {account.cash_nanos} nanos, not {amount_nanos}"
                )
            self._accounts[WORLD].cash_nanos -= lacking_nanos
            account.cash_nanos += lacking_nanos
        account.cash_nanos -= amount_nanos

    def _buy(self, account: Account, market_id: str, pool: Pool, leg: Leg, size_units: int) -> None:
        self._pay(account, leg.price_ticks * size_units)
        pool.collateral_nanos += leg.price_ticks * size_units
        pool.issued_units[leg.outcome] += size_units
        account.holding(market_id, leg.outcome).units += size_units

    def _sell(
        self, account: Account, market_id: str, pool: Pool, leg: Leg, size_units: int
    ) -> None:
        holding = account.holding(market_id, leg.outcome)
        lacking_units = size_units - holding.units
        if lacking_units > 0:
            if not account.is_unlimited:
                raise NotEnoughFunds(
                    f"{leg.owner} has {holding.units} units of {leg.outcome.value}, "
                    f"not {size_units}"
                )
            self.split(leg.owner, market_id, lacking_units)
        holding.units -= size_units
        pool.issued_units[leg.outcome] -= size_units
        pool.collateral_nanos -= leg.price_ticks * size_units
        account.cash_nanos += leg.price_ticks * size_units

    def _note_shortage(self, account: Account) -> None:
        if account.is_short:
            self._short_owners.setdefault(account.owner)
        else:
            self._short_owners.pop(account.owner, None)

    def _review_shortage(self, account: Account) -> None:
        if account.owner in self._short_owners:
            self._note_shortage(account)


def _payout_ticks(outcome: Outcome, winner: Outcome | None) -> int:
    if winner is None:
        return VOID_TICKS
    return PAYOUT_TICKS if outcome is winner else 0
