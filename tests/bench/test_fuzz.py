"""Some thousands of the campaign's cases, and that a campaign finds what is there to be found."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.fuzz.__main__ import main
from bench.fuzz.campaign import TARGETS, Campaign, play
from bench.fuzz.market import SHAPES
from bench.fuzz.mutations import mutated
from bench.fuzz.target import Target, hold


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_reader_refuses_what_is_wrong_and_nothing_else(target: Target) -> None:
    campaign = Campaign([target], seed=1)
    campaign.run(400)
    assert {each.text for each in campaign.found.values()} == set()


@given(st.sampled_from(TARGETS), st.integers(0, 2**32))
def test_no_case_of_any_seed_finds_anything(target: Target, seed: int) -> None:
    assert play(target, seed, 0)


def test_a_case_is_the_same_again_by_seed_and_number() -> None:
    cases = [mutated(SHAPES[2], random.Random(f"1/{number}")) for number in range(200)]
    assert cases == [mutated(SHAPES[2], random.Random(f"1/{number}")) for number in range(200)]
    assert len(set(cases)) > 150


def test_a_campaign_finds_exceptions_and_broken_promises_by_their_kind() -> None:
    def breaks(chance: random.Random) -> str:
        number = chance.randrange(3)
        hold(number != 1, "a promise")
        return str(1 // (number - 2))

    campaign = Campaign([Target("a broken reader", breaks, 1)], seed=1)
    campaign.run(90)
    kinds = {each.text.split(" in ")[0]: each for each in campaign.found.values()}
    assert set(kinds) == {"a broken reader: Broken", "a broken reader: ZeroDivisionError"}
    assert sum(each.count for each in kinds.values()) == campaign.words["a broken reader"]["FOUND"]
    with pytest.raises(ZeroDivisionError):
        play(
            Target("a broken reader", breaks, 1),
            1,
            kinds["a broken reader: ZeroDivisionError"].case,
        )


def test_the_command_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cases", "60", "--seed", "3", "--only", "user frames"]) == 0
    said = capsys.readouterr().out
    assert "60 cases by seed 3" in said
    assert "0 kinds of finding" in said
    assert main(["--only", "user frames", "--case", "5", "--seed", "3"]) == 0
