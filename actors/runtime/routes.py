"""The addresses of all roles, as one actor knows them."""

from __future__ import annotations

from typing import Any

from actors.messages.lifecycle import Address, AddressBook
from actors.roles import ORDERS, PROCESS, order_id_of


def _is_permanent(role: str) -> bool:
    return order_id_of(role) is None and role not in (ORDERS, PROCESS)


class Routes:
    """An actor's copy of the address book, with what it learned from messages since.

    A role's newer generation always wins, so a late message from a dead actor cannot restore its
    address.
    """

    def __init__(self) -> None:
        self.version = 0
        self._known: dict[str, Address] = {}
        self._learned_since_book: set[str] = set()

    def address(self, role: str) -> Any:
        """Return the transport address of a role's process; None if there is none.

        All orders are reached in one process, whether or not they have sent anything yet.
        """
        known = self._known.get(role)
        if known is None and order_id_of(role) is not None:
            known = self._known.get(ORDERS)
        return None if known is None else known.address

    def learn(self, role: str, address: object, generation: int) -> bool:
        """Learn an address from a message; return whether a permanent role has a new actor."""
        known = self._known.get(role)
        if known is not None and known.generation == generation and known.address is address:
            self._learned_since_book.add(role)
            return False
        if role == PROCESS or order_id_of(role) is not None:
            return False
        self._learned_since_book.add(role)
        return self._note(role, Address(address=address, generation=generation))

    def adopt(self, book: AddressBook) -> list[str]:
        """Adopt the supervisor's address book; return the permanent roles with a new actor."""
        if book.version < self.version:
            return []
        self.version = book.version
        changed = [role for role, entry in book.entries.items() if self._note(role, entry)]
        keep = book.entries.keys() | self._learned_since_book
        self._known = {role: entry for role, entry in self._known.items() if role in keep}
        self._learned_since_book.clear()
        return changed

    def _note(self, role: str, entry: Address) -> bool:
        known = self._known.get(role)
        if known is not None and known.generation > entry.generation:
            return False
        self._known[role] = entry
        is_new = known is None or known.generation < entry.generation
        return is_new and _is_permanent(role)
