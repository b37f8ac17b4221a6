"""Web servers log no error for what their clients do wrong, so that nobody can flood a log."""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import HttpProcessingError

_SERVER_LOG = "aiohttp.server"


def leave_out_client_faults() -> None:
    """Keep requests that are not HTTP, and clients that went away, out of the server's log."""
    logging.getLogger(_SERVER_LOG).addFilter(_is_of_the_server)


def _is_of_the_server(record: logging.LogRecord) -> bool:
    problem = record.exc_info[1] if record.exc_info else None
    return not isinstance(problem, HttpProcessingError | ConnectionResetError)
