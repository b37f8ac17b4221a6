from __future__ import annotations

from tls_context import one_tls_context

__all__ = ["one_tls_context"]
