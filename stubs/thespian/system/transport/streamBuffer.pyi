from collections.abc import Callable
from typing import Any

ackPacket: str
ackDataErrPacket: str
ReceiveBuffer: Any

def toSendBuffer(value: object, serializer: Callable[[object], bytes] = ...) -> bytes: ...
