"""The exchange itself, without clock, network or chance: a book, its matching and its money."""

from venue.engine.accounts import FEES, WORLD, Account, NotEnoughFunds, UnknownAccount
from venue.engine.ledger import Ledger
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
