"""Which host cannot be reached, in words."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from actors.reaching import unreachable_words

UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_a_name_is_named_without_the_rest_of_its_address() -> None:
    words = unreachable_words("wss://user:secret@venue.example:7443/ws?key=1", UNKNOWN)
    assert words == "the name venue.example:7443 cannot be looked up: Name or service not known"


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EHOSTUNREACH])
def test_a_network_that_is_away_is_said_in_the_systems_words(number: int) -> None:
    words = unreachable_words("https://venue.example/x", OSError(number, os.strerror(number)))
    assert words == f"venue.example cannot be reached: {os.strerror(number)}"


@pytest.mark.parametrize("problem", [ValueError("x"), OSError("many"), ConnectionResetError()])
def test_any_other_problem_is_left_to_whoever_met_it(problem: Exception) -> None:
    assert unreachable_words("venue.example", problem) == ""
