from typing import Any

MultiProcReplicator: Any
exit_signals: list[int]

class multiprocessCommon:
    def __init__(self, system: object, logDefs: dict[str, Any] | None = ...) -> None: ...
