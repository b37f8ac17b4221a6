"""Calls to the venue's contracts, read from their bytes (Solidity ABI).

The Ethereum libraries are loaded when the first call arrives, as in ``signatures``.
"""

from __future__ import annotations

import enum
from functools import cache
from typing import Any

import attrs

COLLATERAL_ADAPTER = "0xAdA100Db00Ca00073811820692005400218FcE1f"
"""The contract that splits, merges and redeems shares of these markets."""


class ContractFunction(enum.Enum):
    """What wallets call, each with the types of its arguments."""

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
    """The bytes are no call that these contracts understand."""


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
        """(wallet, token) of the shares that are asked for."""
        wallets, tokens = self.arguments
        if self.function is ContractFunction.SHARES:
            wallets, tokens = (wallets,), (tokens,)
        return list(zip(map(str.lower, wallets), map(str, tokens), strict=True))


def read_call(to: str, data: str) -> ContractCall:
    """Read what a call to a contract asks for.

    Raises:
        UnknownCall: no such function, or arguments that do not fit it.
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
    """Encode a list of numbers that a call returns."""
    from eth_abi.abi import encode

    return "0x" + encode(["uint256[]"], [values]).hex()


def _types(function: ContractFunction) -> list[str]:
    return function.value.partition("(")[2].removesuffix(")").split(",")


@cache
def _selectors() -> dict[bytes, ContractFunction]:
    """Every function by the four bytes that name it."""
    from eth_utils.crypto import keccak

    return {keccak(function.value.encode())[:4]: function for function in ContractFunction}
