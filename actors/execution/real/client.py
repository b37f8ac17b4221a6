"""A wrapper of the venue's own client: credentials, signing, and signed requests.

Pinned to polymarket-client 0.14.0, because four of its private parts are used: the environment's
addresses, for which it has no setting; the context's authenticated transport, to post bytes that
were recorded before and to read rows that its strict models would drop; the body of an order; and
the class of its transports, which would otherwise choose proxies by rules of their own. Its
``place_*`` functions are never used, because they may send transactions and post again by
themselves.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import attrs
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from polymarket import PRODUCTION, AsyncSecureClient
from polymarket._internal.actions.account import build_update_balance_allowance_request
from polymarket._internal.actions.orders.context import resolve_order_exchange_address
from polymarket._internal.actions.orders.post import build_post_order_request
from polymarket._internal.actions.orders.types import MarketOrderType
from polymarket._internal.protocol import is_v2_position_id
from polymarket._internal.wallet import signature_type_for, try_classify_wallet_type
from polymarket.environments import Environment, _create_environment
from polymarket.errors import RequestRejectedError, UnexpectedResponseError
from polymarket.models.clob.orders import SignedOrder
from polymarket.models.types import PositionId, TokenId

from actors.execution.real.client_transport import use_our_transports
from actors.execution.real.messages import OrderSigned, SignOrder
from actors.feeds.polybolt import ApiCredentials
from actors.model import Action, TimeInForce
from actors.settings import VenueSettings
from actors.units import dollars_text, price_text, size_text

use_our_transports()

PAGES_MAX = 100
_BALANCES_BELOW = 10**18
_LAST_CURSOR = "LTE="

_ORDER_TYPES = {
    "Order": [
        {"name": "salt", "type": "uint256"},
        {"name": "maker", "type": "address"},
        {"name": "signer", "type": "address"},
        {"name": "tokenId", "type": "uint256"},
        {"name": "makerAmount", "type": "uint256"},
        {"name": "takerAmount", "type": "uint256"},
        {"name": "side", "type": "uint8"},
        {"name": "signatureType", "type": "uint8"},
        {"name": "timestamp", "type": "uint256"},
        {"name": "metadata", "type": "bytes32"},
        {"name": "builder", "type": "bytes32"},
    ]
}


class WalletNotOurs(Exception):
    """The key cannot trade for the configured account."""


class KeyNotAnAccount(Exception):
    """The private key is not a valid key of any account."""


@attrs.frozen(kw_only=True)
class WalletKind:
    """How the venue classifies an account."""

    address: str
    name: str
    """EOA (the key's own address), POLY_PROXY, GNOSIS_SAFE or DEPOSIT_WALLET."""
    signature_type: int
    """The number of this kind in its orders: 0 to 3, in the same order."""


def wallet_kind(key: str, wallet: str | None) -> WalletKind | None:
    """Return the kind of account of a key and wallet; None if the wallet is not the key's.

    No request is made: the address of a contract wallet follows from its owner's.

    Args:
        key: the private key.
        wallet: an address; None for the key's own.

    Raises:
        KeyNotAnAccount: the key is zero or too large.
    """
    try:
        signer = str(Account.from_key(key).address)
    except Exception:  # its message might quote the key
        raise KeyNotAnAccount from None
    address = wallet or signer
    name = try_classify_wallet_type(
        signer=signer, wallet=address, config=PRODUCTION._config.wallet_derivation
    )
    if name is None:
        return None
    return WalletKind(address=address, name=name, signature_type=signature_type_for(name))


class VenueClient:
    """One account at the venue."""

    def __init__(self, client: AsyncSecureClient) -> None:
        self._client = client
        self.wallet = str(client.wallet).lower()
        self.owner = str(client.credentials.key)

    @classmethod
    async def open(cls, venue: VenueSettings, key: str, wallet: str | None) -> VenueClient:
        """Get credentials for an account: the key's own address, or one that the key controls.

        Raises:
            WalletNotOurs: the key does not control the wallet; no request was made.
            KeyNotAnAccount: the private key is not a valid key of any account.
            PolymarketError: the venue refuses credentials or cannot be reached.
        """
        kind = wallet_kind(key, wallet)
        if kind is None:
            raise WalletNotOurs(f"the private key does not control execution.wallet {wallet}")
        return cls(
            await AsyncSecureClient.create(
                private_key=key, wallet=kind.address, environment=_environment(venue)
            )
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """The API credentials, which must never be shown."""
        credentials = self.api_credentials
        return credentials.key, credentials.secret, credentials.passphrase

    @property
    def api_credentials(self) -> ApiCredentials:
        """Key, secret and passphrase, for this run's price feed."""
        credentials = self._client.credentials
        return ApiCredentials(
            str(credentials.key), str(credentials.secret), str(credentials.passphrase)
        )

    @property
    def user_channel_text(self) -> str:
        """First frame of the user channel, for all markets: holds credentials, never stored."""
        credentials = self._client.credentials
        auth = {
            "apiKey": credentials.key,
            "secret": credentials.secret,
            "passphrase": credentials.passphrase,
        }
        return json.dumps({"type": "user", "auth": auth})

    async def close(self) -> None:
        """Close the client's connections."""
        await self._client.close()

    # Orders

    async def sign(self, order: SignOrder) -> OrderSigned:
        """Build and sign an order; the only request reads its market's metadata.

        Raises:
            PolymarketError: the order cannot be built, or its market cannot be read.
        """
        signed = await (
            self._limit_order(order) if order.time_in_force.may_rest else self._market_order(order)
        )
        _, body = build_post_order_request(signed, owner_api_key=self.owner)
        is_buy = order.action is Action.BUY
        return OrderSigned(
            order_id=order.order_id,
            venue_order_id=await self._order_id(signed),
            payload=_compact(body),
            offered_units=signed.taker_amount if is_buy else signed.maker_amount,
        )

    async def _limit_order(self, order: SignOrder) -> SignedOrder:
        """Build and sign a GTC order, or a GTD order if it has an expiration."""
        return await self._client.create_limit_order(
            asset_id=order.token,
            price=price_text(order.price_ticks),
            size=size_text(order.size_units),
            side=order.action.value,
            post_only=order.is_post_only,
            expiration=order.venue_expiry_s,
        )

    async def _market_order(self, order: SignOrder) -> SignedOrder:
        """Build and sign a FAK or FOK order: a sale is sized in shares, a purchase in money."""
        order_type: MarketOrderType = "FOK" if order.time_in_force is TimeInForce.FOK else "FAK"
        price = price_text(order.price_ticks)
        if order.action is Action.SELL:
            return await self._client.create_market_order(
                asset_id=order.token,
                side="SELL",
                shares=size_text(order.size_units),
                min_price=price,
                order_type=order_type,
            )
        return await self._client.create_market_order(
            asset_id=order.token,
            side="BUY",
            amount=dollars_text(order.price_ticks * order.size_units),
            max_price=price,
            order_type=order_type,
        )

    async def post(self, payload: str) -> object:
        """Post exactly the recorded bytes, and return the body of the answer.

        Raises:
            ValueError: the client would serialise them differently; nothing was sent.
            PolymarketError: no answer, or an error.
        """
        body = json.loads(payload)
        if _compact(body) != payload:
            raise ValueError("the recorded order would be posted in different bytes")
        answer: object = await self._client._ctx.secure_clob.post_json("/order", json=body)
        return answer

    async def cancel(self, venue_order_ids: tuple[str, ...]) -> Mapping[str, Any]:
        """Cancel orders by venue order id; all of the account's if none are given.

        Raises:
            PolymarketError: no answer, or an error.
        """
        clob = self._client._ctx.secure_clob
        if venue_order_ids:
            answer = await clob.delete_json("/orders", json=list(venue_order_ids))
        else:
            answer = await clob.delete_json("/cancel-all")
        if not isinstance(answer, dict):
            raise UnexpectedResponseError("the answer to a cancel is not an object")
        return answer

    async def _order_id(self, signed: SignedOrder) -> str:
        """Compute the venue's id of an order: the EIP-712 digest of its standard form.

        It is computed the same way for every kind of wallet. Source: Polymarket's documentation,
        and NautilusTrader's adapter, which matches orders by it.
        """
        domain = {
            "name": "Polymarket CTF Exchange",
            "version": "3" if is_v2_position_id(signed.token_id) else "2",
            "chainId": self._client._ctx.environment_config.chain_id,
            "verifyingContract": await self._exchange_of(signed.token_id),
        }
        message = {
            "salt": signed.salt,
            "maker": signed.maker,
            "signer": signed.signer,
            "tokenId": int(signed.token_id),
            "makerAmount": signed.maker_amount,
            "takerAmount": signed.taker_amount,
            "side": 0 if signed.side == "BUY" else 1,
            "signatureType": signed.signature_type,
            "timestamp": signed.timestamp,
            "metadata": signed.metadata,
            "builder": signed.builder,
        }
        signable = encode_typed_data(domain, _ORDER_TYPES, message)
        digest = keccak(b"\x19" + signable.version + signable.header + signable.body)
        return "0x" + digest.hex()

    async def _exchange_of(self, token: TokenId | PositionId) -> str:
        """Return the address of the exchange contract on which a token is traded."""
        ctx = self._client._ctx
        market = await ctx.order_metadata.resolve_market(ctx, token_id=token)
        return str(
            resolve_order_exchange_address(
                ctx.environment_config, asset_id=token, neg_risk=market.neg_risk
            )
        )

    # Reads

    async def order(self, venue_order_id: str) -> object | None:
        """Read one order's row; None if the venue shows none, which proves nothing.

        Raises:
            PolymarketError: no answer, or an error other than "not found".
        """
        clob = self._client._ctx.secure_clob
        try:
            row: object = await clob.get_json(f"/data/order/{venue_order_id}")
        except RequestRejectedError as error:
            if error.status == 404:
                return None
            raise
        except UnexpectedResponseError:
            return None  # an empty body
        return row if isinstance(row, dict) and row else None

    async def rows(self, path: str, market_id: str) -> list[object]:
        """Read all pages of a market's open orders or trades.

        Raises:
            PolymarketError: no answer, an error, or more than ``PAGES_MAX`` pages.
        """
        clob = self._client._ctx.secure_clob
        rows: list[object] = []
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            page = await clob.get_json(path, params={"market": market_id, "next_cursor": cursor})
            if not isinstance(page, dict) or not isinstance(page.get("data"), list):
                raise UnexpectedResponseError(f"the answer of {path} is not a page")
            rows += page["data"]
            cursor = page.get("next_cursor")
            if not cursor or cursor == _LAST_CURSOR:
                return rows
        raise UnexpectedResponseError(f"{path} has more than {PAGES_MAX} pages")

    async def balance_units(self, token: str) -> int:
        """Read the account's balance of a token, in units.

        Raises:
            PolymarketError: no answer, or an error.
        """
        held = await self._client.get_balance_allowance(
            asset_type="CONDITIONAL-V2" if is_v2_position_id(token) else "CONDITIONAL",
            asset_id=token,
        )
        return _plausible(held.balance)

    async def cash_units(self) -> int:
        """Read the account's cash, in millionths of a dollar.

        Raises:
            PolymarketError: no answer, or an error.
        """
        held = await self._client.get_balance_allowance(asset_type="COLLATERAL")
        return _plausible(held.balance)

    async def allowance_units(self, token: str, action: Action) -> int:
        """Read the allowance of a token's exchange contract: of cash to buy, of shares to sell.

        Raises:
            PolymarketError: no answer, or an error.
        """
        if action is Action.BUY:
            held = await self._client.get_balance_allowance(asset_type="COLLATERAL")
        else:
            held = await self._client.get_balance_allowance(
                asset_type="CONDITIONAL-V2" if is_v2_position_id(token) else "CONDITIONAL",
                asset_id=token,
            )
        exchange = (await self._exchange_of(TokenId(token))).lower()
        return sum(units for each, units in held.allowances.items() if each.lower() == exchange)

    async def refresh_balance(self, token: str) -> None:
        """Make the venue read a token's balance from the chain again.

        Raises:
            PolymarketError: no answer, or an error.
        """
        ctx = self._client._ctx
        path, params = build_update_balance_allowance_request(
            asset_type="CONDITIONAL-V2" if is_v2_position_id(token) else "CONDITIONAL",
            asset_id=token,
            signature_type=signature_type_for(ctx.wallet_type),
        )
        await ctx.secure_clob.get_json(path, params=params)

    async def beat(self, heartbeat_id: str) -> str:
        """Send a heartbeat; return the id of the next.

        Raises:
            OrderHeartbeatMismatchError: the venue expects another id.
            PolymarketError: no answer, or an error.
        """
        return (await self._client.send_order_heartbeat(heartbeat_id=heartbeat_id)).heartbeat_id

    # The chain

    async def has_code(self) -> bool:
        """Return whether the account is a contract on the chain.

        Raises:
            PolymarketError: the chain's node gives no answer.
        """
        ctx = self._client._ctx
        code = await ctx.rpc._call("eth_getCode", [str(ctx.wallet), "latest"])
        return str(code) not in ("0x", "0x0", "")

    async def merge(self, market_id: str, pairs_units: int) -> None:
        """Merge complete pairs into money; return when the transaction is final.

        Raises:
            PolymarketError: the wallet does not support it, or the transaction failed.
        """
        handle = await self._client.merge_positions(condition_id=market_id, amount=pairs_units)
        await handle.wait()

    async def redeem(self, market_id: str) -> None:
        """Redeem the shares of a resolved window; return when the transaction is final.

        Raises:
            PolymarketError: it is not resolved, the wallet does not support it, or the transaction
                failed.
        """
        handle = await self._client.redeem_positions(condition_id=market_id)
        await handle.wait()


def _plausible(balance: int) -> int:
    """Return a balance, in millionths, after checking that an account can have it.

    Raises:
        UnexpectedResponseError: it is negative, or a trillion or more.
    """
    if not 0 <= balance < _BALANCES_BELOW:
        raise UnexpectedResponseError(f"{balance!r:.40} is not a balance")
    return balance


def _compact(body: object) -> str:
    return json.dumps(body, separators=(",", ":"))


def _environment(venue: VenueSettings) -> Environment:
    """Return the client's production environment with the configured addresses.

    Against the local exchange every address is the exchange's, so that no request leaves the host.
    """
    production = PRODUCTION._config
    http = venue.clob_url.rstrip("/")
    if http == production.clob_url:
        return PRODUCTION
    config = dataclasses.replace(
        production,
        clob_url=http,
        gamma_url=venue.gamma_url.rstrip("/"),
        data_url=http,
        relayer_url=http,
        rfq_url=http,
        rpc_url=http,
        clob_user_ws_url=venue.user_ws_url,
    )
    return _create_environment(name="local", config=config)
