"""Settings that are each allowed but contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from actors.settings import Settings
from actors.strategy.choice import PAIR
from actors.units import PAYOUT_TICKS, TICKS_PER_DOLLAR
from understudy.settings.strategy_keys import unused_parameters

_DEFAULT_HIGH_SHARE, _DEFAULT_KILL_SHARE = 5 / 15, 2 / 15
"""Share of a window, where the two zones are not set (docs/strategy.md)."""


def contradictions(settings: Settings) -> tuple[str, ...]:
    """Name every pair of values that contradict each other, one sentence each."""
    if not settings.traded:
        return _contradictions(settings)
    return tuple(
        f"{plan.series.name}: {sentence}"
        for plan in settings.traded
        for sentence in _contradictions(settings.of(plan.series.name))
    )


def _contradictions(settings: Settings) -> tuple[str, ...]:
    of_pair = _of_the_strategy(settings) if settings.strategy.use == PAIR else ()
    return (*_of_other_strategies(settings), *of_pair, *_of_the_limits(settings))


def _of_other_strategies(settings: Settings) -> Iterator[str]:
    rules = settings.strategy
    for name in unused_parameters(rules):
        yield (
            f"{name} is a parameter of {PAIR}, and strategy.use is {rules.use}: it has no effect"
        )


def _of_the_strategy(settings: Settings) -> Iterator[str]:
    rules = settings.strategy
    if rules.bootstrap_low_ticks > rules.bootstrap_high_ticks:
        yield (
            f"strategy.bootstrap_low_ticks ({rules.bootstrap_low_ticks}) is above "
            f"strategy.bootstrap_high_ticks ({rules.bootstrap_high_ticks}): the limit for a first "
            "purchase would rise as time runs out"
        )
    window = settings.series.window_minutes
    high, kill = rules.high_zone_minutes, rules.kill_zone_minutes
    high_minutes = window * _DEFAULT_HIGH_SHARE if high is None else high
    kill_minutes = window * _DEFAULT_KILL_SHARE if kill is None else kill
    if kill_minutes > high_minutes:
        yield (
            f"strategy.kill_zone_minutes ({kill_minutes:g}) is above "
            f"strategy.high_zone_minutes ({high_minutes:g}): strategy.bootstrap_low_ticks would "
            "never be used"
        )
    if kill_minutes >= window:
        yield (
            f"strategy.kill_zone_minutes ({kill_minutes:g}) is the whole window of "
            f"{window} minutes: no purchase would ever be begun"
        )
    if rules.max_trade_shares > rules.max_shares:
        yield (
            f"strategy.max_trade_shares ({rules.max_trade_shares}) is above "
            f"strategy.max_shares ({rules.max_shares}): one order could hold more than a side may"
        )
    if rules.oracle_block_yes_ticks > rules.oracle_block_no_ticks:
        yield (
            f"strategy.oracle_block_yes_ticks ({rules.oracle_block_yes_ticks}) is above "
            f"strategy.oracle_block_no_ticks ({rules.oracle_block_no_ticks}): between them neither "
            "side may be bought"
        )
    if rules.target_pair_ticks > PAYOUT_TICKS:
        yield (
            f"strategy.target_pair_ticks ({rules.target_pair_ticks}) is above {PAYOUT_TICKS}: a "
            "hedge could cost more than a pair pays out"
        )


def _of_the_limits(settings: Settings) -> Iterator[str]:
    risk, rules = settings.risk, settings.strategy
    if risk.max_order_dollars > risk.max_window_dollars:
        yield (
            f"risk.max_order_dollars ({risk.max_order_dollars}) is above "
            f"risk.max_window_dollars ({risk.max_window_dollars}): the window's limit would "
            "refuse such an order"
        )
    if rules.use != PAIR:
        return
    first_dollars = rules.bootstrap_high_ticks * rules.max_trade_shares / TICKS_PER_DOLLAR
    if first_dollars > risk.max_order_dollars:
        yield (
            f"strategy.max_trade_shares ({rules.max_trade_shares}) at "
            f"strategy.bootstrap_high_ticks ({rules.bootstrap_high_ticks}) cost "
            f"${first_dollars:g}, more than risk.max_order_dollars ({risk.max_order_dollars}): "
            "the first purchase could be refused"
        )
