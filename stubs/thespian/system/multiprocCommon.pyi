from datetime import timedelta
from typing import Any

MAX_ADMIN_STARTUP_DELAY: timedelta
MultiProcReplicator: Any
exit_signals: list[int]

class multiprocessCommon:
    def __init__(self, system: object, logDefs: dict[str, Any] | None = ...) -> None: ...
