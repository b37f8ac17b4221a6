from typing import Any

MultiProcReplicator: Any
exit_signals: list[int]
