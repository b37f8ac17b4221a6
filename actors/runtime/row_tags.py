"""The tags of the journal's rows, which do not depend on the names of classes.

A row's tag says what it contains. Tags are part of the file format: they survive moved and renamed
classes, and are never reused. A class that is to be saved gets a tag here; fields added to it later
need defaults, so that older rows stay readable.

Events are identified by ``kind``, the name of their class, which is part of the format too.
"""

from __future__ import annotations

from collections.abc import Mapping

PLACES: Mapping[str, str] = {
    "account": "actors.execution.account:TradedAccount",
    "claim": "actors.execution.real.redemptions:Claim",
    "desk": "actors.execution.desk_state:DeskState",
    "failure.late": "actors.messages.position:LateFailure",
    "ledger.summary": "actors.position.core:LedgerSummary",
    "ledger.window": "actors.position.ledger:WindowLedger",
    "observer.memory": "actors.observer.tally:ObserverMemory",
    "order": "actors.messages.execution:OrderState",
    "order.real": "actors.execution.real.live_order:LiveOrder",
    "order.taken_back": "actors.execution.real.orders:TakenBack",
    "paper.end": "actors.execution.paper:PaperEnd",
    "paper.liquidity": "actors.execution.paper:PaperLiquidity",
    "paper.order": "actors.execution.paper:PaperOrder",
    "settings": "actors.messages.settings:SettingsInForce",
    "strategy": "actors.messages.strategy:StrategyChosen",
    "window": "actors.directory.windows:WindowState",
}
"""Where the class behind each tag is now: ``module:name``."""

SCHEMA_1_NAMES: Mapping[str, str] = {
    "actors.directory.windows:WindowState": "window",
    "actors.execution.account:TradedAccount": "account",
    "actors.execution.desk_state:DeskState": "desk",
    "actors.execution.messages:OrderState": "order",
    "actors.execution.paper:PaperEnd": "paper.end",
    "actors.execution.paper:PaperLiquidity": "paper.liquidity",
    "actors.execution.paper:PaperOrder": "paper.order",
    "actors.execution.real.claims:Claim": "claim",
    "actors.execution.real.live_order:LiveOrder": "order.real",
    "actors.execution.real.orders:TakenBack": "order.taken_back",
    "actors.observer.tally:ObserverMemory": "observer.memory",
    "actors.position.core:LedgerSummary": "ledger.summary",
    "actors.position.ledger:WindowLedger": "ledger.window",
}
"""The names that schema 1 wrote instead of tags: the class's module at that time. Never changed."""
