"""Every number and address that may be configured, with its default and what it allows.

``understudy.config`` fills these from a TOML file: one section a class, one key a field.
Cores receive the whole, frozen. Durations in ms are venue time unless they say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs


@attrs.frozen
class Rule:
    """What a value must be, as a test and in words; None passes, as "not set"."""

    allowed: str
    holds: Callable[[Any], bool]

    def __call__(self, _instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        """Validate a field.

        Raises:
            ValueError: names the field, the value and what is allowed.
        """
        if value is not None and not self.holds(value):
            raise ValueError(f"{attribute.name} = {value!r}: must be {self.allowed}")


def _between(low: float, high: float) -> Rule:
    return Rule(f"{_plain(low)} to {_plain(high)}", lambda value: low <= value <= high)


def _plain(number: float) -> str:
    return f"{number:,.6f}".rstrip("0").rstrip(".")


def _one_of(*choices: str | int) -> Rule:
    texts = (f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in choices)
    return Rule(" or ".join(texts), lambda value: value in choices)


def _url(*schemes: str) -> Rule:
    prefixes = tuple(f"{scheme}://" for scheme in schemes)
    allowed = " or ".join(f"{prefix}…" for prefix in prefixes)
    return Rule(allowed, lambda value: value.startswith(prefixes))


_FLAG = Rule("true or false", lambda value: value in (True, False))


def _any_of(*choices: str) -> Rule:
    return Rule(
        f"a list of {', '.join(choices)}", lambda value: all(each in choices for each in value)
    )


def setting(default: Any, rule: Rule, meaning: str) -> Any:
    """Declare one key: its default, what it allows, and its meaning in one line for people."""
    return attrs.field(default=default, validator=rule, metadata={"meaning": meaning})


@attrs.frozen(kw_only=True)
class VenueSettings:
    """Where the venue and the reference price are reached."""

    gamma_url: str = setting(
        "https://gamma-api.polymarket.com",
        _url("https", "http"),
        "market metadata: windows, tokens, fees, results",
    )
    clob_url: str = setting(
        "https://clob.polymarket.com",
        _url("https", "http"),
        "the exchange's own HTTP interface",
    )
    clob_ws_url: str = setting(
        "wss://ws-subscriptions-clob.polymarket.com/ws",
        _url("wss", "ws"),
        "the exchange's channels: its order books and public trades, one's own orders and trades",
    )
    rtds_ws_url: str = setting(
        "wss://ws-live-data.polymarket.com",
        _url("wss", "ws"),
        "the older source of the average price that strike and close are taken from",
    )
    polybolt_ws_url: str = setting(
        "wss://ws-live-v2.polymarket.com/ws",
        _url("wss", "ws"),
        "its newer source, PolyBolt, which asks for API credentials",
    )
    price_source: str = setting(
        "auto",
        _one_of("auto", "polybolt", "rtds"),
        "where that average comes from; auto listens to both and uses what serves",
    )
    coinbase_ws_url: str = setting(
        "wss://ws-feed.exchange.coinbase.com",
        _url("wss", "ws"),
        "the underlying's price, a predictor only",
    )
    website_url: str | None = setting(
        None,
        _url("https", "http"),
        "last resort for a strike, which may be corrected later: https://polymarket.com; unset: no",
    )

    @property
    def market_ws_url(self) -> str:
        """The channel of order books and public trades."""
        return f"{self.clob_ws_url}/market"

    @property
    def user_ws_url(self) -> str:
        """The channel of one's own orders and trades."""
        return f"{self.clob_ws_url}/user"


@attrs.frozen(kw_only=True)
class SeriesSettings:
    """Which series of windows is traded."""

    asset: str = setting(
        "btc", _one_of("btc", "eth", "sol", "xrp", "doge", "bnb", "hype", "zec"), "the underlying"
    )
    window_minutes: int = setting(15, _one_of(5, 15), "length of a window")

    @property
    def window_ms(self) -> int:
        """Length of a window."""
        return self.window_minutes * 60_000

    @property
    def coinbase_product(self) -> str:
        """The reference product at Coinbase, such as BTC-USD."""
        return f"{self.asset.upper()}-USD"

    @property
    def twap_symbol(self) -> str:
        """The symbol of the venue's older price source, such as btc/usd."""
        return f"{self.asset}/usd"

    @property
    def polybolt_symbol(self) -> str:
        """The symbol of its newer one, such as btcusd."""
        return f"{self.asset}usd"


@attrs.frozen(kw_only=True)
class StrategySettings:
    """Every parameter of the strategy; docs/strategy.md says what each one decides."""

    max_book_age_ms: int = setting(2_000, _between(1, 3_600_000), "an older book is not traded on")
    stop_loss_ticks: int = setting(
        250, _between(0, 1000), "a one-sided holding whose best bid is lower is given up"
    )
    on_stop_loss: str = setting(
        "halt", _one_of("halt", "exit"), "after it: trade the window no more, or sell as well"
    )
    max_trade_shares: int = setting(20, _between(1, 1_000_000), "largest order")
    arbitrage_fees: bool = setting(True, _FLAG, "count taker fees into a pair's cost")
    balance_pad_shares: int = setting(10, _between(0, 1_000_000), "imbalance that is left unhedged")
    target_pair_ticks: int = setting(
        980, _between(0, 2000), "a hedge must bring the pair's cost below this"
    )
    max_shares: int = setting(100, _between(1, 1_000_000), "most shares a side")
    high_zone_minutes: float | None = setting(
        None,
        _between(0, 15),
        "more time left: bootstrap_high_ticks counts; unset: a third of the window",
    )
    kill_zone_minutes: float | None = setting(
        None,
        _between(0, 15),
        "less time left: nothing is begun; unset: two fifteenths of the window",
    )
    bootstrap_high_ticks: int = setting(
        400, _between(0, 1000), "first buy of a window only below this, while there is time"
    )
    bootstrap_low_ticks: int = setting(
        150, _between(0, 1000), "first buy of a window only below this, late"
    )
    floor_ticks: int = setting(200, _between(0, 1000), "no averaging down when the ask is lower")
    base_sense_dollars: float = setting(
        50.0, _between(0.000001, 1_000_000), "linear oracle: dollars of move that count one tick"
    )
    oracle: str = setting(
        "linear", _one_of("linear", "diffusion"), "model of the chance that YES wins"
    )
    sigma_half_life_minutes: float = setting(
        5.0, _between(0.01, 10_000), "diffusion oracle: half-life of its volatility"
    )
    oracle_block_yes_ticks: int = setting(
        400, _between(0, 1000), "no YES is bought when the model is lower"
    )
    oracle_block_no_ticks: int = setting(
        600, _between(0, 1000), "no NO is bought when the model is higher"
    )
    max_reference_age_ms: int = setting(
        5_000, _between(1, 3_600_000), "an older reference price gives no model"
    )


@attrs.frozen(kw_only=True)
class ExecutionSettings:
    """How orders are carried out."""

    mode: str = setting(
        "simulated", _one_of("simulated", "live"), "who carries orders out; live is real money"
    )
    latency_ms: int = setting(150, _between(0, 60_000), "simulated time from here to the venue")
    order_ttl_ms: int = setting(
        3_000, _between(1, 3_600_000), "what has not filled by then is cancelled"
    )
    max_open_orders: int = setting(4, _between(2, 50), "most live orders")
    durability: str = setting(
        "process",
        _one_of("process", "full"),
        "a record survives a killed process, or also a power cut (slower)",
    )
    wallet: str | None = setting(
        None,
        Rule(
            "0x and 40 hex digits",
            lambda value: re.fullmatch("0x[0-9a-fA-F]{40}", value) is not None,
        ),
        "live: the account that trades; unset: the key's own address",
    )
    unknown_orders: str = setting(
        "halt",
        _one_of("halt", "cancel", "leave"),
        "live: what to do about orders in the traded window that are not this system's",
    )
    cancel_all_on_halt: bool = setting(
        False, _FLAG, "live: a halt also cancels the account's orders that are not this system's"
    )
    venue_heartbeat: bool = setting(
        False, _FLAG, "live: let the venue cancel all orders when this system falls silent"
    )

    @property
    def ending_limit_ms(self) -> int:
        """How long an end waits for every order to be over; real time.

        The venue may leave a live order's outcome open for some fifteen seconds.
        """
        return 30_000 if self.mode == "live" else 5_000


RISK_LIMITS = (
    "max_order_dollars",
    "max_trade_shares",
    "max_window_dollars",
    "max_shares",
    "max_open_orders",
    "max_orders_per_minute",
    "max_day_loss_dollars",
    "price_band_ticks",
)
"""Every limit that the desk holds orders against, by the name of its key."""


@attrs.frozen(kw_only=True)
class RiskSettings:
    """Limits that the desk holds every purchase against; docs/guard-rails.md."""

    max_order_dollars: int = setting(
        100, _between(1, 1_000_000_000), "price times size of an order"
    )
    max_window_dollars: int = setting(
        250, _between(1, 1_000_000_000), "cost of a window's holdings and purchases under way"
    )
    max_orders_per_minute: int = setting(
        120, _between(2, 10_000), "new orders in a minute of the clock"
    )
    max_day_loss_dollars: int = setting(
        250, _between(1, 1_000_000_000), "realized and settled loss of a UTC day, fees included"
    )
    price_band_ticks: int = setting(
        50, _between(0, 1000), "an order's distance from the best price of its side of the book"
    )
    halt_on: tuple[str, ...] = setting(
        ("max_day_loss_dollars",),
        _any_of(*RISK_LIMITS),
        "limits that halt trading when an order would break them; the others refuse the order",
    )


@attrs.frozen(kw_only=True)
class SupervisionSettings:
    """Who shares a process, when one counts as hung, how many falls are too many. Real time."""

    max_restarts: int = setting(
        5, _between(0, 1_000), "more falls of a child than this in the period end the run"
    )
    restart_period_s: float = setting(60.0, _between(1, 86_400), "the period")
    heartbeat_limit_ms: int = setting(
        3_000, _between(200, 600_000), "a process silent for longer is killed and made again"
    )
    layout: str = setting(
        "isolated",
        _one_of("isolated", "grouped"),
        "each actor in a process of its own, or those on an order's way in one",
    )


@attrs.frozen(kw_only=True)
class MetricsSettings:
    """Numbers for Prometheus, served by a process of its own beside the run; docs/metrics.md."""

    enabled: bool = setting(False, _FLAG, "serve metrics and /health on loopback")
    port: int = setting(9862, _between(1, 65_535), "where, on 127.0.0.1")


ALERT_KINDS = (
    "halt",
    "escalation",
    "end",
    "falls",
    "difference",
    "silence",
    "strike",
    "loss",
    "disk",
    "credentials",
    "window",
)
"""Everything that an alert can be about; docs/alerts.md says when each is raised."""


@attrs.frozen(kw_only=True)
class AlertSettings:
    """What people are told of, wherever they are; where to is a secret and stands elsewhere."""

    enabled: bool = setting(
        False, _FLAG, "a process beside the run tells; docs/alerts.md says whom"
    )
    on: tuple[str, ...] = setting(ALERT_KINDS[:-1], _any_of(*ALERT_KINDS), "what is told")
    falls_count: int = setting(
        3, _between(1, 1_000), "falls of an actor since the last that were told"
    )
    silent_s: int = setting(
        60, _between(5, 86_400), "so long without data, strike or leave to trade"
    )
    repeat_minutes: int = setting(60, _between(1, 10_080), "what lasts is told again after so long")


def _shaped(pattern: str, value: object) -> bool:
    """Whether a value, which may be an element of a list of any kind, is such a text."""
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


_IP = Rule("an IP address", lambda value: _shaped(r"[0-9.]+|[0-9a-f:]*:[0-9a-f:.]*", value))
_NAMES = Rule(
    "a list of host names",
    lambda value: all(_shaped("[a-z0-9]([a-z0-9.-]*[a-z0-9])?", each) for each in value),
)


@attrs.frozen(kw_only=True)
class WebSettings:
    """The page in the browser, served by a process of its own beside the run; docs/web.md."""

    enabled: bool = setting(False, _FLAG, "serve the page")
    host: str = setting("127.0.0.1", _IP, "address to listen on; off loopback all need a log-in")
    port: int = setting(9863, _between(1, 65_535), "where, on that address")
    names: tuple[str, ...] = setting(
        (), _NAMES, "host names under which people reach it; with any all need a log-in"
    )
    login: bool = setting(False, _FLAG, "ask for the token on loopback as well")


@attrs.frozen(kw_only=True)
class Settings:
    """All of it; the defaults trade the real venue's books with simulated execution."""

    venue: VenueSettings = attrs.field(factory=VenueSettings)
    series: SeriesSettings = attrs.field(factory=SeriesSettings)
    strategy: StrategySettings = attrs.field(factory=StrategySettings)
    execution: ExecutionSettings = attrs.field(factory=ExecutionSettings)
    risk: RiskSettings = attrs.field(factory=RiskSettings)
    supervision: SupervisionSettings = attrs.field(factory=SupervisionSettings)
    metrics: MetricsSettings = attrs.field(factory=MetricsSettings)
    alerts: AlertSettings = attrs.field(factory=AlertSettings)
    web: WebSettings = attrs.field(factory=WebSettings)

    speed: float = 1.0
    """Venue time per real time: the run's, no key. What takes real time may take longer by it."""
