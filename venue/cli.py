"""``understudy venue``: run the local exchange until told to stop."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from venue.amounts import NANOS_PER_MILLIONTH, BadAmount, units_from_text
from venue.faults import BadFault
from venue.frames import Channel
from venue.options import SEEN_MISSING_SHARE, ExchangeOptions
from venue.server import LocalExchange
from venue.simulation.reference import START_DOLLARS
from venue.windows import LENGTHS_MINUTES, length_label
from venue.wire.text import json_text
from venue.world import World


def _instant_ms(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> int | None:
    """Parse an ISO time (UTC unless it says otherwise) or unix milliseconds."""
    if value is None or value.isdigit():
        return None if value is None else int(value)
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither an ISO time nor unix ms") from None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _series(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> tuple[tuple[str, int], ...]:
    """Parse the names of series."""
    if value is None:
        return ()
    found = [_one_series(name) for name in value.split(",")]
    if len(set(found)) < len(found):
        raise click.BadParameter("a series is named twice")
    return tuple(found)


def _one_series(name: str) -> tuple[str, int]:
    asset, _, label = name.strip().partition("-")
    minutes = {length_label(each): each for each in LENGTHS_MINUTES}.get(label)
    if asset not in START_DOLLARS or minutes is None:
        raise click.BadParameter(f"{name!r} is not a series, such as btc-15m, eth-5m or sol-4h")
    return asset, minutes


_RATE = click.FloatRange(1, 2000)


def _rates(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[tuple[str, int] | None, float]:
    """Parse ``RATE`` or ``SERIES=RATE``; the key None stands for series without their own rate."""
    rates: dict[tuple[str, int] | None, float] = {}
    for value in values:
        name, separator, rate = value.rpartition("=")
        series = _one_series(name) if separator else None
        if series in rates:
            raise click.BadParameter(f"{name or 'the rate'} is given twice")
        rates[series] = _RATE(rate, parameter, context)
    return rates


def _funded_wallets(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, int]:
    """Parse ``ADDRESS=DOLLARS`` pairs."""
    wallets = {}
    for value in values:
        address, _, dollars = value.partition("=")
        if not re.fullmatch(r"0x[0-9a-fA-F]{40}", address):
            raise click.BadParameter(f"{value!r} does not begin with a wallet's address")
        try:
            wallets[address] = units_from_text(dollars) * NANOS_PER_MILLIONTH
        except BadAmount:
            raise click.BadParameter(f"{dollars!r} is not an amount in dollars") from None
        if wallets[address] < 0:
            raise click.BadParameter(f"{address} cannot start with a negative amount")
    return wallets


@click.command(
    epilog="""\b
Examples:
  understudy venue
    on a free port, which the line on stdout names
  understudy venue --port 8080 --speed 20 --seed 5
    the demo's market at 20 times real time
  understudy venue --recording btc-updown-5m-1776329400.rec
    a recorded window instead of a simulated market
"""
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 picks a free port.")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same market.")
@click.option(
    "--speed",
    type=click.FloatRange(0.01, 1000),
    default=1.0,
    show_default=True,
    help="Venue seconds per real second.",
)
@click.option(
    "--rate",
    "rates",
    metavar="N|NAME=N",
    callback=_rates,
    multiple=True,
    help="Market frames of each series in a venue second, 1 to 2000, or of one that differs, such "
    "as btc-15m=1600; may be repeated. Default 500, by speed and series.",
)
@click.option(
    "--missing-seconds",
    "missing_share",
    type=click.FloatRange(0, 1),
    default=SEEN_MISSING_SHARE,
    show_default=True,
    help="Share of seconds whose price is never sent live; the default was measured at the venue.",
)
@click.option("--minutes", type=click.Choice(["5", "15"]), default="15", help="Length of a window.")
@click.option("--asset", type=click.Choice(sorted(START_DOLLARS)), default="btc", show_default=True)
@click.option(
    "--series",
    metavar="NAMES",
    callback=_series,
    help="Several series at once, such as btc-15m,eth-5m,sol-4h, in place of asset and length.",
)
@click.option(
    "--start",
    "start_ms",
    metavar="ISO|MS",
    callback=_instant_ms,
    help="Venue time at the start, ISO or unix ms; default: 70 s before a window.",
)
@click.option(
    "--origin-monotonic-ns",
    type=int,
    help="Host monotonic time of the start, so that several processes share one clock.",
)
@click.option(
    "--admin",
    "has_admin",
    is_flag=True,
    help="Serve /admin/: faults on demand, and the exchange's own books.",
)
@click.option(
    "--wallet",
    "wallets",
    metavar="ADDRESS=DOLLARS",
    callback=_funded_wallets,
    multiple=True,
    help="Give a wallet money at the start; may be repeated. Others have none.",
)
@click.option(
    "--faults",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Inject the faults listed in this file; see docs/exchange.md.",
)
def venue(
    *,
    rates: dict[tuple[str, int] | None, float],
    minutes: str,
    world: World | None = None,
    **given: Any,
) -> None:
    """Run a local exchange on 127.0.0.1 that speaks Polymarket's and Coinbase's protocols.

    Once it listens, one JSON line on stdout says where. It stops on SIGINT, SIGTERM,
    SIGHUP and SIGQUIT.
    """
    own_rates = {series: rate for series, rate in rates.items() if series is not None}
    options = ExchangeOptions(
        rate=rates.get(None), own_rates=own_rates, minutes=int(minutes), world=world, **given
    )
    try:
        asyncio.run(serve(options, lambda where: click.echo(json_text(where))))
    except BadFault as error:
        click.echo(f"understudy venue: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        click.echo(f"understudy venue: cannot listen on port {options.port}: {error}", err=True)
        sys.exit(1)


async def serve(options: ExchangeOptions, tell: Callable[[Mapping[str, Any]], None]) -> None:
    """Serve until a signal; once it listens, call ``tell`` with the address.

    Raises:
        OSError: the port cannot be listened on.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with LocalExchange(options) as exchange:
        tell(_whereabouts(exchange))
        broken = asyncio.ensure_future(exchange.wait_until_broken())
        waiting = asyncio.ensure_future(stopped.wait())
        done, _ = await asyncio.wait({broken, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if broken in done:
            broken.result()
        broken.cancel()


def _whereabouts(exchange: LocalExchange) -> dict[str, Any]:
    spec = exchange.clock_spec
    return {
        "http": exchange.http_url,
        "ws": exchange.ws_url,
        "market_ws": exchange.url(Channel.MARKET),
        "rtds": exchange.url(Channel.RTDS),
        "polybolt": exchange.url(Channel.POLYBOLT),
        "coinbase": exchange.url(Channel.COINBASE),
        "user_ws": exchange.url(Channel.USER),
        "origin_ms": spec.origin_ms,
        "origin_monotonic_ns": spec.origin_monotonic_ns,
        "speed": spec.speed,
    }
