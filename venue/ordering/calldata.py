"""Calls to the venue's contracts, read from their bytes (Solidity ABI).

The Ethereum libraries are loaded when the first call arrives, as in ``signatures``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import attrs

COLLATERAL_ADAPTER = "0xAdA100Db00Ca00073811820692005400218FcE1f"
"""The contract that splits, merges and redeems shares of these markets."""
MAX_UINT256 = 2**256 - 1

_PAIRS = ("address", "bytes32", "bytes32", "uint256[]", "uint256")
_SPLIT = ("splitPosition", _PAIRS)
_MERGE = ("mergePositions", _PAIRS)
_REDEEM = ("redeemPositions", ("address", "bytes32", "bytes32", "uint256[]"))
_APPROVE = ("approve", ("address", "uint256"))
_APPROVE_ALL = ("setApprovalForAll", ("address", "bool"))
_MONEY = ("balanceOf", ("address",))
_SHARES = ("balanceOf", ("address", "uint256"))
_MANY_SHARES = ("balanceOfBatch", ("address[]", "uint256[]"))
_ALLOWANCE = ("allowance", ("address", "address"))
_IS_APPROVED = ("isApprovedForAll", ("address", "address"))
_KNOWN = (
    _SPLIT,
    _MERGE,
    _REDEEM,
    _APPROVE,
    _APPROVE_ALL,
    _MONEY,
    _SHARES,
    _MANY_SHARES,
    _ALLOWANCE,
    _IS_APPROVED,
)


class UnknownCall(ValueError):
    """The bytes are no call that these contracts understand."""


@attrs.frozen
class MovePairs:
    """Split money into pairs of shares, or merge pairs into money."""

    is_split: bool
    condition_id: str
    size_units: int


@attrs.frozen
class Redeem:
    """Turn the shares of a decided market into money."""

    condition_id: str


@attrs.frozen
class Approve:
    """Allow a contract to move what a wallet has; here all are allowed from the start."""


@attrs.frozen
class AskMoney:
    """How much money has this wallet?"""

    wallet: str


@attrs.frozen
class AskShares:
    """How many shares of these tokens have these wallets? Pairs of (wallet, token)."""

    holdings: tuple[tuple[str, str], ...]
    is_batch: bool


@attrs.frozen
class AskApproval:
    """May this contract move what a wallet has?"""

    is_amount: bool


ChainCall = MovePairs | Redeem | Approve | AskMoney | AskShares | AskApproval


def read_call(to: str, data: str) -> ChainCall:
    """Read what a call to a contract asks for.

    Raises:
        UnknownCall: no such function, or arguments that do not fit it.
    """
    kind, arguments = _decoded(data)
    if kind in (_SPLIT, _MERGE, _REDEEM) and to.lower() != COLLATERAL_ADAPTER.lower():
        raise UnknownCall(f"contract {to} has no function {kind[0]}")
    if kind in (_SPLIT, _MERGE):
        return MovePairs(kind == _SPLIT, "0x" + arguments[2].hex(), arguments[4])
    if kind == _REDEEM:
        return Redeem("0x" + arguments[2].hex())
    if kind in (_APPROVE, _APPROVE_ALL):
        return Approve()
    if kind == _MONEY:
        return AskMoney(arguments[0].lower())
    if kind == _SHARES:
        return AskShares(((arguments[0].lower(), str(arguments[1])),), is_batch=False)
    if kind == _MANY_SHARES:
        owners, tokens = arguments
        if len(owners) != len(tokens):
            raise UnknownCall("there must be as many wallets as tokens")
        pairs = zip(map(str.lower, owners), map(str, tokens), strict=True)
        return AskShares(tuple(pairs), is_batch=True)
    return AskApproval(is_amount=kind == _ALLOWANCE)


def number_result(value: int) -> str:
    """Encode a number that a call returns."""
    return f"0x{value:064x}"


def numbers_result(values: list[int]) -> str:
    """Encode a list of numbers that a call returns."""
    from eth_abi.abi import encode

    return "0x" + encode(["uint256[]"], [values]).hex()


def _decoded(data: str) -> tuple[tuple[str, tuple[str, ...]], tuple[Any, ...]]:
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    try:
        raw = bytes.fromhex(data.removeprefix("0x"))
        kind = _selectors()[raw[:4]]
        return kind, decode(kind[1], raw[4:])
    except (KeyError, ValueError, OverflowError, DecodingError):
        raise UnknownCall(f"no contract understands {data[:10]!r}") from None


@cache
def _selectors() -> dict[bytes, tuple[str, tuple[str, ...]]]:
    """Every function by the four bytes that name it."""
    from eth_utils.crypto import keccak

    return {keccak(f"{kind[0]}({','.join(kind[1])})".encode())[:4]: kind for kind in _KNOWN}
