"""The names that your own strategy imports; ``actors.strategy.contract`` explains all of them."""

from actors.messages.execution import OrderStatus, OwnOrder
from actors.messages.market import BookView, MarketSnapshot, PublicTrade
from actors.messages.position import Holding
from actors.model import Action, Market, Side, Strike, TimeInForce
from actors.strategy.contract import (
    CONTRACT_VERSION,
    Cancel,
    Context,
    Decision,
    FairValue,
    Order,
    StopWindow,
    Strategy,
    TradeLimits,
)
from actors.strategy.parameters import parameter
from actors.strategy.position_view import PositionView

__all__ = [
    "CONTRACT_VERSION",
    "Action",
    "BookView",
    "Cancel",
    "Context",
    "Decision",
    "FairValue",
    "Holding",
    "Market",
    "MarketSnapshot",
    "Order",
    "OrderStatus",
    "OwnOrder",
    "PositionView",
    "PublicTrade",
    "Side",
    "StopWindow",
    "Strategy",
    "Strike",
    "TimeInForce",
    "TradeLimits",
    "parameter",
]
