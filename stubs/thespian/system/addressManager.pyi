class ActorLocalAddress:
    addressInstanceNum: int

class CannotPickleAddress(Exception):
    def __init__(self, address: object) -> None: ...
