from typing import Any

thisSystem: Any
IPActorAddress: Any
