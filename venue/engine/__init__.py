"""The exchange itself, without clock, network or chance: a book, its matching and its money."""

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
