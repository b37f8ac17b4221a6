from __future__ import annotations

import logging

import pytest
from aiohttp import ClientConnectionResetError
from aiohttp.http_exceptions import BadHttpMessage

from venue.client_faults import leave_out_client_faults


@pytest.mark.parametrize(
    ("problem", "is_logged"),
    [
        (BadHttpMessage("garbage"), False),
        (ClientConnectionResetError("Cannot write to closing transport"), False),
        (ValueError("a fault of the server"), True),
    ],
)
def test_only_faults_of_the_server_itself_are_logged(
    caplog: pytest.LogCaptureFixture, problem: Exception, is_logged: bool
) -> None:
    leave_out_client_faults()
    log = logging.getLogger("aiohttp.server")
    log.error("Error handling request", exc_info=problem)
    log.error("something else")
    assert [record.exc_info is not None for record in caplog.records] == [True, False][
        not is_logged :
    ]
