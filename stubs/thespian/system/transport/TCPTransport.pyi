from typing import Any

serializer: Any
ackMsg: bytes
ackDataErrMsg: bytes
TCPTransport: Any
TCPIncomingPersistent: Any
