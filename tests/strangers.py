"""Another user of the same machine, as far as it allows one: root can be anybody for a while."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

import pytest

STRANGER = 12_345
NEEDS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")


def as_stranger(act: Callable[[], object]) -> int:
    """Do something as another user, in a fork; its process id."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(STRANGER)
            os.setuid(STRANGER)
            act()
            code = 0
        except BaseException:
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(code)
    return pid


def succeeds(pid: int) -> bool:
    """Wait for the end of a fork; whether nothing was raised there."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
