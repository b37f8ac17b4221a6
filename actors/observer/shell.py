"""The process around the observer."""

from __future__ import annotations

from actors.observer.core import ObserverCore
from actors.runtime.process import Shell


class ObserverShell(Shell):
    """Runs ObserverCore."""

    core_class = ObserverCore
