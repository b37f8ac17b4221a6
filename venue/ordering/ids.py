"""Deterministic ids, derived from what they name, so that one seed always gives the same ones."""

from __future__ import annotations

import hashlib


def digest(*parts: object) -> bytes:
    """Hash the parts into 32 bytes."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).digest()


def uuid_text(*parts: object) -> str:
    """Make a UUID of the parts, in the venue's form for API keys and trades."""
    text = digest(*parts).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"


def hash_text(*parts: object) -> str:
    """Make a hash of the parts, in the chain's form for transactions."""
    return "0x" + digest(*parts).hex()


def address_text(*parts: object) -> str:
    """Make an address of the parts, in the chain's form for wallets."""
    return "0x" + digest(*parts).hex()[:40]
