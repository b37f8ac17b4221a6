"""Wallet operations on the chain, outside the order desk: split, merge, deposit, withdraw."""

from __future__ import annotations

from actors.units import PAYOUT_TICKS
from venue.amounts import dollars_text, size_text
from venue.engine import Ledger
from venue.engine.messages import Outcome


class WalletRefused(ValueError):
    """The wallet has too little that is free."""


class Wallets:
    """Moves money and shares of clients' wallets.

    The ledger would let a wallet take what its open orders reserve, as the chain does. Here that is
    refused, so that what a failing trade has to return is always there.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def free_pairs_units(self, wallet: str, market_id: str) -> int:
        """Pairs of shares not reserved by open sells."""
        self._ledger.open_account(wallet)
        return min(
            self._ledger.free_shares_units(wallet, market_id, outcome) for outcome in Outcome
        )

    def deposit(self, wallet: str, amount_nanos: int) -> None:
        """Add money from outside."""
        self._ledger.open_account(wallet)
        self._ledger.deposit(wallet, amount_nanos)

    def withdraw(self, wallet: str, amount_nanos: int) -> None:
        """Take money out.

        Raises:
            WalletRefused: too little is free.
        """
        self._require_money(wallet, amount_nanos)
        self._ledger.withdraw(wallet, amount_nanos)

    def split(self, wallet: str, market_id: str, size_units: int) -> None:
        """Turn money into pairs of shares.

        Raises:
            WalletRefused: too little money is free.
        """
        self._require_money(wallet, size_units * PAYOUT_TICKS)
        self._ledger.split(wallet, market_id, size_units)

    def merge(self, wallet: str, market_id: str, size_units: int) -> None:
        """Turn pairs of shares into money.

        Raises:
            WalletRefused: too few pairs are free.
        """
        free_units = self.free_pairs_units(wallet, market_id)
        if not 0 <= size_units <= free_units:
            raise WalletRefused(
                f"{wallet} has {size_text(free_units)} free pairs, not {size_text(size_units)}"
            )
        self._ledger.merge(wallet, market_id, size_units)

    def _require_money(self, wallet: str, amount_nanos: int) -> None:
        free_nanos = self._ledger.open_account(wallet).free_nanos
        if not 0 <= amount_nanos <= free_nanos:
            raise WalletRefused(
                f"{wallet} has ${dollars_text(free_nanos)} free, not ${dollars_text(amount_nanos)}"
            )
