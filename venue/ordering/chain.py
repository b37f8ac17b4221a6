"""As much of a blockchain as wallets need: transactions that split, merge and redeem shares.

A transaction is signed by its wallet, is mined a few seconds later, and then succeeds or reverts
depending on what the wallet has at that moment. There are no blocks, gas or other contracts. The
Ethereum libraries are loaded when the first call arrives, as in ``signatures``.
"""

from __future__ import annotations

import enum
import heapq
from collections import Counter
from functools import cache
from random import Random
from typing import Any

import attrs

from venue.amounts import NANOS_PER_MILLIONTH
from venue.engine import Ledger
from venue.engine.messages import Outcome
from venue.faults import FaultKind, OrderFaults
from venue.ordering.signatures import SignedTransaction
from venue.ordering.wallets import WalletRefused, Wallets
from venue.world import Catalogue

COLLATERAL_ADAPTER = "0xAdA100Db00Ca00073811820692005400218FcE1f"
"""The contract that splits, merges and redeems shares of these markets."""
_MINED_AFTER_MS = (1_000, 4_000)
_ALL_THERE_IS = 2**256 - 1
"""Wallets have approved the exchange for everything."""


class ContractFunction(enum.Enum):
    """The functions that wallets call, each with the types of its arguments."""

    SPLIT = "splitPosition(address,bytes32,bytes32,uint256[],uint256)"
    MERGE = "mergePositions(address,bytes32,bytes32,uint256[],uint256)"
    REDEEM = "redeemPositions(address,bytes32,bytes32,uint256[])"
    APPROVE = "approve(address,uint256)"
    APPROVE_ALL = "setApprovalForAll(address,bool)"
    MONEY = "balanceOf(address)"
    SHARES = "balanceOf(address,uint256)"
    MANY_SHARES = "balanceOfBatch(address[],uint256[])"
    ALLOWANCE = "allowance(address,address)"
    IS_APPROVED = "isApprovedForAll(address,address)"


_OF_ADAPTER = (ContractFunction.SPLIT, ContractFunction.MERGE, ContractFunction.REDEEM)


class Reverted(Exception):
    """A call fails; the text says why."""


class UnknownCall(Reverted):
    """The bytes are not a call that these contracts understand."""


@attrs.frozen
class ContractCall:
    """A function and its arguments."""

    function: ContractFunction
    arguments: tuple[Any, ...]

    @property
    def condition_id(self) -> str:
        """The market whose shares are split, merged or redeemed."""
        return "0x" + str(self.arguments[2].hex())

    @property
    def pairs_units(self) -> int:
        """How many pairs are split or merged."""
        return int(self.arguments[4])

    @property
    def holdings(self) -> list[tuple[str, str]]:
        """(wallet, token) of the queried balances."""
        wallets, tokens = self.arguments
        if self.function is ContractFunction.SHARES:
            wallets, tokens = (wallets,), (tokens,)
        return list(zip(map(str.lower, wallets), map(str, tokens), strict=True))


def read_call(to: str, data: str) -> ContractCall:
    """Decode a call to a contract.

    Raises:
        UnknownCall: there is no such function, or its arguments do not fit.
    """
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    try:
        raw = bytes.fromhex(data.removeprefix("0x"))
        function = _selectors()[raw[:4]]
        call = ContractCall(function, decode(_types(function), raw[4:]))
    except (KeyError, ValueError, OverflowError, DecodingError):
        raise UnknownCall(f"no contract understands {data[:10]!r}") from None
    if function in _OF_ADAPTER and to.lower() != COLLATERAL_ADAPTER.lower():
        raise UnknownCall(f"contract {to} has no function {function.value.partition('(')[0]}")
    if function is ContractFunction.MANY_SHARES and len({*map(len, call.arguments)}) > 1:
        raise UnknownCall("there must be as many wallets as tokens")
    return call


def numbers_result(values: list[int]) -> str:
    """Encode the list of numbers that a call returns."""
    from eth_abi.abi import encode

    return "0x" + encode(["uint256[]"], [values]).hex()


def _types(function: ContractFunction) -> list[str]:
    return function.value.partition("(")[2].removesuffix(")").split(",")


@cache
def _selectors() -> dict[bytes, ContractFunction]:
    """Map each function's four-byte selector to it."""
    from eth_utils.crypto import keccak

    return {keccak(function.value.encode())[:4]: function for function in ContractFunction}


@attrs.define
class _Pending:
    transaction: SignedTransaction
    mined_at_ms: int
    is_doomed: bool
    is_success: bool | None = None


class Chain:
    """The transactions of wallets, and their outcomes."""

    def __init__(
        self,
        seed: int,
        ledger: Ledger,
        wallets: Wallets,
        catalogue: Catalogue,
        faults: OrderFaults,
    ) -> None:
        self._seed = seed
        self._ledger = ledger
        self._wallets = wallets
        self._catalogue = catalogue
        self._faults = faults
        self._sent: dict[str, _Pending] = {}
        self._waiting: list[tuple[int, str]] = []
        self._counts: Counter[str] = Counter()

    def count(self, wallet: str) -> int:
        """Number of transactions a wallet has sent: the nonce of its next one."""
        return self._counts[wallet.lower()]

    def send(self, transaction: SignedTransaction, now_ms: int) -> None:
        """Accept a transaction, which is mined later.

        Raises:
            Reverted: its nonce is not the wallet's next one, or it calls nothing.
        """
        sender = transaction.sender
        if transaction.nonce != self._counts[sender]:
            raise Reverted(f"nonce {transaction.nonce} is not {self._counts[sender]}")
        read_call(transaction.to, transaction.data)
        self._counts[sender] += 1
        delay_ms = Random(f"{self._seed}/mined/{transaction.hash}").randint(*_MINED_AFTER_MS)
        is_doomed = self._faults.strikes(FaultKind.REVERTED_TRANSACTION, transaction.hash)
        self._sent[transaction.hash] = _Pending(transaction, now_ms + delay_ms, is_doomed)
        heapq.heappush(self._waiting, (now_ms + delay_ms, transaction.hash))

    def advance(self, now_ms: int) -> None:
        """Mine the transactions that are due."""
        while self._waiting and self._waiting[0][0] <= now_ms:
            pending = self._sent[heapq.heappop(self._waiting)[1]]
            try:
                self._carry_out(pending)
                pending.is_success = True
            except Reverted:
                pending.is_success = False

    def receipt(self, transaction_hash: str) -> dict[str, Any] | None:
        """Return the receipt of a transaction; None until it is mined."""
        pending = self._sent.get(transaction_hash.lower())
        if pending is None or pending.is_success is None:
            return None
        return {
            "transactionHash": pending.transaction.hash,
            "from": pending.transaction.sender,
            "to": pending.transaction.to,
            "status": "0x1" if pending.is_success else "0x0",
            "blockNumber": hex(pending.mined_at_ms // 2_000),
        }

    def ask(self, to: str, data: str) -> str:
        """Answer a call that changes nothing.

        Raises:
            Reverted: it would change something, or cannot be read.
        """
        call = read_call(to, data)
        match call.function:
            case ContractFunction.MONEY:
                account = self._ledger.open_account(call.arguments[0].lower())
                return _number(account.cash_nanos // NANOS_PER_MILLIONTH)
            case ContractFunction.SHARES | ContractFunction.MANY_SHARES as asked:
                units = [self._units(*holding) for holding in call.holdings]
                is_one = asked is ContractFunction.SHARES
                return _number(units[0]) if is_one else numbers_result(units)
            case ContractFunction.ALLOWANCE:
                return _number(_ALL_THERE_IS)
            case ContractFunction.IS_APPROVED:
                return _number(1)
        raise Reverted("this call changes something")

    def check(self, sender: str, to: str, data: str) -> None:
        """Check whether a call could be carried out now.

        Raises:
            Reverted: it could not.
        """
        call, wallet = read_call(to, data), sender.lower()
        if call.function is ContractFunction.REDEEM:
            self._require_resolved(call.condition_id)
        elif call.function in (ContractFunction.SPLIT, ContractFunction.MERGE):
            self._require_listed(call.condition_id)
            free_units = self._wallets.free_pairs_units(wallet, call.condition_id)
            if call.function is ContractFunction.MERGE and free_units < call.pairs_units:
                raise Reverted("not enough pairs")

    def _carry_out(self, pending: _Pending) -> None:
        if pending.is_doomed:
            raise Reverted("as it was to be")
        transaction = pending.transaction
        call = read_call(transaction.to, transaction.data)
        if call.function is ContractFunction.REDEEM:
            # Shares were paid out when the market was resolved, so nothing is left to do.
            self._require_resolved(call.condition_id)
        elif call.function in (ContractFunction.SPLIT, ContractFunction.MERGE):
            self._require_listed(call.condition_id)
            is_split = call.function is ContractFunction.SPLIT
            act = self._wallets.split if is_split else self._wallets.merge
            try:
                act(transaction.sender, call.condition_id, call.pairs_units)
            except WalletRefused as refused:
                raise Reverted(str(refused)) from None

    def _units(self, wallet: str, token: str) -> int:
        market = self._catalogue.with_token(token)
        if market is None:
            return 0
        window = market.status.window
        outcome = Outcome.UP if token == window.up_token else Outcome.DOWN
        self._ledger.open_account(wallet)
        return self._ledger.shares_units(wallet, window.condition_id, outcome)

    def _require_listed(self, condition_id: str) -> None:
        market = self._catalogue.with_condition(condition_id)
        if market is None or market.status.is_closed:
            raise Reverted(f"condition {condition_id} cannot be split or merged")

    def _require_resolved(self, condition_id: str) -> None:
        market = self._catalogue.with_condition(condition_id)
        if market is None or not market.status.is_closed:
            raise Reverted("result for condition not received yet")


def _number(value: int) -> str:
    """Encode a number that a call returns."""
    return f"0x{value:064x}"
