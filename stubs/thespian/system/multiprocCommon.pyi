from typing import Any

MultiProcReplicator: Any
