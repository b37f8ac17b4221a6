"""hftbacktest's fills of given orders on a given tape; runs in an environment of its own.

Arguments: a file of the tape, a file of the orders. The tape is rows of five 64-bit integers: kind
(0 a level's new size, 1 a public trade), whether a bid or a buyer, time in ms, price in ticks of
$0.001, millionths of a share. An order is such a row too, kind 0 post-only, 1 immediate or cancel,
with a sixth number: when it is cancelled. Prints, for each queue model, what each order came to:
whether it was taken in, units filled, and the time of its last fill in ms.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    GTX,
    LIMIT,
    LOCAL_EVENT,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
)
from hftbacktest.order import EXPIRED, IOC, REJECTED
from hftbacktest.types import event_dtype

OUT_MS, BACK_MS = 150, 50
LOT = 0.01
_NS = 1_000_000
_EARLIER_NS = 500_000
"""An order arrives before what the tape has at the same millisecond, as in ours."""

MODELS: dict[str, Callable[[BacktestAsset], object]] = {
    "only trades move the queue": lambda asset: asset.risk_adverse_queue_model(),
    "cancels by place in the queue": lambda asset: asset.power_prob_queue_model(1.0),
}


def events(rows: np.ndarray) -> np.ndarray:
    """The tape in hftbacktest's own form."""
    kinds = np.where(rows[:, 0] == 1, TRADE_EVENT, DEPTH_EVENT)
    sides = np.where(rows[:, 1] == 1, BUY_EVENT, SELL_EVENT)
    made = np.zeros(len(rows), event_dtype)
    made["ev"] = kinds | sides | EXCH_EVENT | LOCAL_EVENT
    made["exch_ts"] = made["local_ts"] = rows[:, 2] * _NS
    made["px"], made["qty"] = rows[:, 3] / 1_000, rows[:, 4] / 1e6
    return made


def play(
    tape: np.ndarray, orders: list[list[int]], model: Callable[[BacktestAsset], object]
) -> list[tuple[bool, int, int]]:
    """Send the orders at their times; return the outcome of each."""
    asset = BacktestAsset().data(tape).linear_asset(1.0)
    asset.constant_order_latency(OUT_MS * _NS, BACK_MS * _NS)
    model(asset)
    asset.partial_fill_exchange().trading_value_fee_model(0, 0).tick_size(0.001).lot_size(LOT)
    run = HashMapMarketDepthBacktest([asset])
    acts = [(row[2], number, True) for number, row in enumerate(orders)]
    acts += [(row[5], number, False) for number, row in enumerate(orders) if row[5]]
    for at_ms, number, is_new in sorted(acts):
        run.elapse(at_ms * _NS - _EARLIER_NS - run.current_timestamp)
        kind, is_buy, _, price_ticks, size_units, _ = orders[number]
        if not is_new:
            if run.orders(0).get(number).cancellable:
                run.cancel(0, number, False)
            continue
        submit = run.submit_buy_order if is_buy else run.submit_sell_order
        in_force = IOC if kind else GTX
        submit(0, number, price_ticks / 1_000, size_units / 1e6, in_force, LIMIT, False)
    run.elapse(1_000 * _NS)
    found = [_outcome(run.orders(0).get(number)) for number in range(len(orders))]
    run.close()
    return found


def _outcome(order: object) -> tuple[bool, int, int]:
    filled_units = round((order.qty - order.leaves_qty) * 1e6)
    is_refused = order.status in (EXPIRED, REJECTED) and not filled_units
    return not is_refused, filled_units, order.exch_timestamp // _NS if filled_units else 0


def main() -> None:
    """Play the orders with each model, and print."""
    rows = np.frombuffer(Path(sys.argv[1]).read_bytes(), dtype=np.int64).reshape(-1, 5)
    orders = json.loads(Path(sys.argv[2]).read_text())
    tape = events(rows)
    print(json.dumps({name: play(tape, orders, model) for name, model in MODELS.items()}))


if __name__ == "__main__":
    main()
