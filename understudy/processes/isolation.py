"""Starts Python with our own and installed code, and nothing else.

With ``-m`` Python searches the working directory for modules first, and whatever ``PYTHONPATH``
names: a file ``eth_account.py`` in a folder of downloads would run in the process that reads the
private key. A file of the user's own is loaded by its path, on request, and never through
``sys.path``.
"""

from __future__ import annotations

import sys

FLAGS = ("-E", "-P")
"""Ignore all ``PYTHON…`` variables, and put no directory before the installed code. The user's own
packages (``pip install --user``) stay: understudy itself may be one of them."""


def module_command(module: str, *arguments: str) -> list[str]:
    """The command line that runs one of our modules in a process of its own, like ``python -m``."""
    return [sys.executable, *FLAGS, "-m", module, *arguments]
