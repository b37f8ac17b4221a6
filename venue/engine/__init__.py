"""The exchange without clock, network or randomness: an order book, matching, and money."""

from venue.engine.ledger import FEES, WORLD, Account, Ledger, NotEnoughFunds, UnknownAccount
from venue.engine.matching import MatchingEngine

__all__ = [
    "FEES",
    "WORLD",
    "Account",
    "Ledger",
    "MatchingEngine",
    "NotEnoughFunds",
    "UnknownAccount",
]
