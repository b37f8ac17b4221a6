"""The choice of the strategy: a built-in one, a class in a file, or one from a package."""

from __future__ import annotations

from collections.abc import Mapping

from actors.messages.strategy import StrategyChosen
from actors.settings import StrategySettings
from actors.strategy.contract import CONTRACT_VERSION, Strategy
from actors.strategy.loading import StrategyUnavailable, class_in_file, class_of_package
from actors.strategy.maker import MakerStrategy
from actors.strategy.pair import PairStrategy
from actors.strategy.parameters import BadParameter, parameters_of

PAIR = "pair"
BUILT_IN: Mapping[str, type[Strategy]] = {PAIR: PairStrategy, "maker": MakerStrategy}
"""By the name used in ``strategy.use``."""


def is_built_in(settings: StrategySettings) -> bool:
    """Return whether the strategy is part of this program and tested with it."""
    return settings.use in BUILT_IN


def strategy_class(settings: StrategySettings) -> type[Strategy]:
    """Return the class that the settings name.

    Raises:
        StrategyUnavailable: there is none, or it does not follow the contract.
    """
    if settings.use in BUILT_IN:
        return BUILT_IN[settings.use]
    if settings.file is not None:
        return checked(class_in_file(settings.file), settings.use)
    return checked(class_of_package(settings.use), settings.use)


def make_strategy(settings: StrategySettings) -> Strategy:
    """Make the strategy that the settings name, with its parameters.

    Raises:
        StrategyUnavailable: there is none, or it refuses its parameters.
    """
    if settings.use == PAIR:
        return PairStrategy(rules=settings)
    found = strategy_class(settings)
    try:
        return found(**dict(settings.parameters))
    except (TypeError, ValueError) as error:
        raise StrategyUnavailable(f"{settings.use} cannot be made: {error}") from error


def checked(found: object, name: str) -> type[Strategy]:
    """Return a class after checking that it is a strategy with a supported contract version.

    Raises:
        StrategyUnavailable: it is not; one sentence says why.
    """
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise StrategyUnavailable(f"{name} is no strategy: it must be a subclass of Strategy")
    if getattr(found, "__abstractmethods__", None):
        raise StrategyUnavailable(f"{name} has no method evaluate(self, context)")
    if found.contract > CONTRACT_VERSION:
        raise StrategyUnavailable(
            f"{name} is written for version {found.contract} of the contract, and this program "
            f"keeps version {CONTRACT_VERSION}: a newer one is needed"
        )
    if not isinstance(found.orders_per_side, int) or found.orders_per_side < 1:
        raise StrategyUnavailable(f"{name}.orders_per_side must be a whole number from 1")
    try:
        parameters_of(found)
    except BadParameter as error:
        raise StrategyUnavailable(str(error)) from None
    return found


def chosen(strategy: Strategy, settings: StrategySettings) -> StrategyChosen | None:
    """Return the journal's record of a user-written strategy; None for others."""
    file = settings.file
    if file is None:
        return None
    return StrategyChosen(
        name=strategy.title,
        path=file.path,
        class_name=file.class_name,
        sha256=file.sha256,
        contract=strategy.contract,
        parameters=tuple(
            (each.name, str(getattr(strategy, each.name))) for each in parameters_of(type(strategy))
        ),
    )
