"""How a Python of ours is started: with our own and installed code, and with nothing else.

Python looks for modules in the working directory first when it is told ``-m``, and in whatever
``PYTHONPATH`` names: a file ``eth_account.py`` in a folder of downloads would run in the process
that reads the private key. A file of the user's own is loaded by its path where it is asked for by
its path, and never through ``sys.path``.
"""

from __future__ import annotations

import sys

FLAGS = ("-E", "-P")
"""No ``PYTHON…`` variable is heeded, and no directory is put before the installed code. The user's
own packages (``pip install --user``) stay: understudy itself may be one of them."""


def module_command(module: str, *arguments: str) -> list[str]:
    """The words that run a module of ours in a process of its own, as ``python -m`` does."""
    return [sys.executable, *FLAGS, "-m", module, *arguments]
