from __future__ import annotations

import copy
import pickle
import random

from actors.runtime.late_dice import LateDice

SEED = "7/desk/1"


def test_late_dice_throw_what_a_random_of_their_seed_does_and_so_do_copies() -> None:
    early, late = random.Random(SEED), LateDice(SEED)
    assert copy.deepcopy(late).random() == random.Random(SEED).random()
    assert late.getrandbits(48) == early.getrandbits(48)
    assert copy.deepcopy(late).random() == late.random() == early.random()


def test_dice_that_nobody_throws_take_little_room() -> None:
    assert len(pickle.dumps(LateDice(SEED))) < len(pickle.dumps(random.Random(SEED))) / 20
