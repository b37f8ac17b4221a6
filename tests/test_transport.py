from __future__ import annotations

import pickle

import pytest

from actors.transport import SealedPickle, UnsealedFrame

KEY = b"k" * 32


class Exploit:
    """Unpickling one of these raises: proof that it was unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("an unsealed frame was unpickled",))


def test_what_was_sealed_comes_back() -> None:
    sealed = SealedPickle(KEY)
    assert sealed.loads(sealed.dumps({"price_ticks": 530})) == {"price_ticks": 530}


@pytest.mark.parametrize(
    "frame",
    [
        pickle.dumps(Exploit()),
        b"\0" * 16 + pickle.dumps(Exploit()),
        SealedPickle(b"other" * 6).dumps(1)[:16] + pickle.dumps(Exploit()),
        b"",
        b"short",
    ],
    ids=["plain pickle", "zero seal", "another run's seal", "empty", "shorter than a seal"],
)
def test_an_unsealed_frame_is_refused_before_it_is_unpickled(frame: bytes) -> None:
    with pytest.raises(UnsealedFrame):
        SealedPickle(KEY).loads(frame)


def test_a_changed_body_breaks_the_seal() -> None:
    frame = bytearray(SealedPickle(KEY).dumps("cancel"))
    frame[-3] ^= 1
    with pytest.raises(UnsealedFrame):
        SealedPickle(KEY).loads(bytes(frame))
