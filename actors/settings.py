"""Every configurable number and address, with its default and its permitted values.

``understudy.settings.config`` fills these from a TOML file: one class per section, one field per
key. Cores receive the whole, frozen. Durations in ms are venue time unless stated otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from actors.backtest_settings import BacktestSettings
from actors.protection_settings import ProtectionSettings
from actors.roles import is_of_series, series_of_role, series_role
from actors.series import SeriesSettings
from actors.setting_rules import FLAG, Rule, any_of, between, one_of, setting, url
from actors.watcher_settings import AlertSettings, MetricsSettings, RecordingSettings, WebSettings


@attrs.frozen(kw_only=True)
class VenueSettings:
    """The addresses of the venue and the reference price."""

    gamma_url: str = setting(
        "https://gamma-api.polymarket.com",
        url("https", "http"),
        "market metadata: windows, tokens, fees, results",
    )
    clob_url: str = setting(
        "https://clob.polymarket.com",
        url("https", "http"),
        "the exchange's own HTTP interface",
    )
    clob_ws_url: str = setting(
        "wss://ws-subscriptions-clob.polymarket.com/ws",
        url("wss", "ws"),
        "the exchange's channels: order books and public trades, your own orders and trades",
    )
    rtds_ws_url: str = setting(
        "wss://ws-live-data.polymarket.com",
        url("wss", "ws"),
        "the older source of the average price that determines strike and close",
    )
    polybolt_ws_url: str = setting(
        "wss://ws-live-v2.polymarket.com/ws",
        url("wss", "ws"),
        "its newer source, PolyBolt, which asks for API credentials",
    )
    price_source: str = setting(
        "auto",
        one_of("auto", "polybolt", "rtds"),
        "source of that average; auto listens to both and uses whichever works",
    )
    coinbase_ws_url: str = setting(
        "wss://ws-feed.exchange.coinbase.com",
        url("wss", "ws"),
        "the underlying's price, a predictor only",
    )
    website_url: str | None = setting(
        None,
        url("https", "http"),
        "last resort for a strike, may be corrected later: https://polymarket.com; unset: not used",
    )

    @property
    def market_ws_url(self) -> str:
        """The channel of order books and public trades."""
        return f"{self.clob_ws_url}/market"

    @property
    def user_ws_url(self) -> str:
        """The channel of the account's own orders and trades."""
        return f"{self.clob_ws_url}/user"


@attrs.frozen(kw_only=True)
class StrategyFile:
    """A user's own strategy: a class of a file with exactly these bytes."""

    path: str
    """Absolute."""
    class_name: str
    sha256: str
    """Of the file's bytes; others are never run in their place."""
    kept_at: str = ""
    """Where a run has put a copy, so that an edited file does not change a running strategy."""


ParameterValue = bool | int | float | str


@attrs.frozen(kw_only=True)
class StrategySettings:
    """Which strategy trades, and every parameter of ``pair``; docs/strategy.md explains each."""

    use: str = setting(
        "pair",
        Rule(
            "pair, maker, FILE.py:Name, or the name that an installed package gives it",
            lambda value: re.fullmatch(r"[^\s:][^:\n]*(:[A-Za-z_]\w*)?", value) is not None,
        ),
        "the strategy: built in, a class in a file, or from a package",
    )
    max_book_age_ms: int = setting(
        2_000, between(1, 3_600_000), "maximum age of a book that is traded on"
    )
    stop_loss_ticks: int = setting(
        250, between(0, 1000), "a one-sided holding is given up when its best bid is lower"
    )
    on_stop_loss: str = setting(
        "halt", one_of("halt", "exit"), "after a stop loss: stop trading the window, or also sell"
    )
    max_trade_shares: int = setting(20, between(1, 1_000_000), "maximum size of an order")
    arbitrage_fees: bool = setting(True, FLAG, "include taker fees in a pair's cost")
    balance_pad_shares: int = setting(
        10, between(0, 1_000_000), "imbalance that need not be hedged"
    )
    target_pair_ticks: int = setting(
        980, between(0, 2000), "a hedge must bring the pair's cost below this"
    )
    max_shares: int = setting(100, between(1, 1_000_000), "maximum shares per side")
    high_zone_minutes: float | None = setting(
        None,
        between(0, 240),
        "with more time left, bootstrap_high_ticks applies; unset: a third of the window",
    )
    kill_zone_minutes: float | None = setting(
        None,
        between(0, 240),
        "with less time left, no first buy; unset: two fifteenths of the window",
    )
    bootstrap_high_ticks: int = setting(
        400, between(0, 1000), "early in a window, the first buy must be below this price"
    )
    bootstrap_low_ticks: int = setting(
        150, between(0, 1000), "late in a window, the first buy must be below this price"
    )
    floor_ticks: int = setting(200, between(0, 1000), "no averaging down if the ask is lower")
    base_sense_dollars: float = setting(
        50.0, between(0.000001, 1_000_000), "linear oracle: price move in dollars per tick"
    )
    oracle: str = setting(
        "linear", one_of("linear", "diffusion"), "model of the probability that YES wins"
    )
    sigma_half_life_minutes: float = setting(
        5.0, between(0.01, 10_000), "diffusion oracle: half-life of its volatility"
    )
    oracle_block_yes_ticks: int = setting(
        400, between(0, 1000), "no YES is bought if the model is lower"
    )
    oracle_block_no_ticks: int = setting(
        600, between(0, 1000), "no NO is bought if the model is higher"
    )
    max_reference_age_ms: int = setting(
        5_000, between(1, 3_600_000), "maximum age of a reference price for the model"
    )

    parameters: tuple[tuple[str, ParameterValue], ...] = ()
    """Of a strategy other than ``pair``: (name, value) of those that are set. No key."""
    file: StrategyFile | None = None
    """What ``use`` names, if it is a file. No key."""


@attrs.frozen(kw_only=True)
class ExecutionSettings:
    """How orders are executed."""

    mode: str = setting(
        "simulated", one_of("simulated", "live"), "how orders are carried out; live is real money"
    )
    latency_ms: int = setting(150, between(0, 60_000), "simulated latency to the venue")
    order_ttl_ms: int = setting(
        3_000, between(1, 3_600_000), "an order that has not filled by then is cancelled"
    )
    max_open_orders: int = setting(4, between(2, 50), "maximum number of open orders")
    durability: str = setting(
        "process",
        one_of("process", "full"),
        "records survive a killed process, or also a power cut (slower)",
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
        one_of("halt", "cancel", "leave"),
        "live: what to do about orders in the traded window that are not this system's",
    )
    cancel_all_on_halt: bool = setting(
        False, FLAG, "live: a halt also cancels the account's orders that are not this system's"
    )
    venue_heartbeat: bool = setting(
        False, FLAG, "live: let the venue cancel all orders when this system falls silent"
    )

    @property
    def ending_limit_ms(self) -> int:
        """How long the end of a run waits for every order to end; real time.

        The venue may leave a real order's outcome open for about fifteen seconds.
        """
        return 30_000 if self.mode == "live" else 5_000


RISK_LIMITS = (
    "max_order_dollars",
    "max_trade_shares",
    "max_window_dollars",
    "max_account_dollars",
    "max_shares",
    "max_open_orders",
    "max_orders_per_minute",
    "max_day_loss_dollars",
    "price_band_ticks",
)
"""Keys of all limits that the desk applies to orders."""

ACCOUNT_LIMITS = (
    "max_account_dollars",
    "max_open_orders",
    "max_orders_per_minute",
    "max_day_loss_dollars",
)
"""Keys of the limits that apply to all series together."""


@attrs.frozen(kw_only=True)
class RiskSettings:
    """Limits that the desk applies to every purchase; docs/guard-rails.md."""

    max_order_dollars: int = setting(100, between(1, 1_000_000_000), "price times size of an order")
    max_window_dollars: int = setting(
        250, between(1, 1_000_000_000), "cost of a window's holdings and open purchases"
    )
    max_account_dollars: int | None = setting(
        None,
        between(1, 1_000_000_000),
        "the same over the open windows of all series together; unset: no such limit",
    )
    max_orders_per_minute: int = setting(120, between(2, 10_000), "new orders per calendar minute")
    max_day_loss_dollars: int = setting(
        250, between(1, 1_000_000_000), "realized and settled loss per UTC day, including fees"
    )
    price_band_ticks: int = setting(
        50, between(0, 1000), "an order's distance from the best price of its side of the book"
    )
    halt_on: tuple[str, ...] = setting(
        ("max_day_loss_dollars",),
        any_of(*RISK_LIMITS),
        "limits that halt trading when an order would break them; the others refuse the order",
    )


@attrs.frozen(kw_only=True)
class SupervisionSettings:
    """Division among processes, and limits for hangs and crashes. Real time."""

    max_restarts: int = setting(
        5,
        between(0, 1_000),
        "more crashes of one process or actor than this within the period end the run",
    )
    restart_period_s: float = setting(60.0, between(1, 86_400), "the period")
    heartbeat_limit_ms: int = setting(
        3_000, between(200, 600_000), "a process that is silent for longer is killed and restarted"
    )
    layout: str = setting(
        "isolated",
        one_of("isolated", "grouped"),
        "one process per actor, or one for all actors on the order path",
    )
    strategy_isolated: bool | None = setting(
        None, FLAG, "grouped: give the strategy a process of its own; unset: if it is not built in"
    )


@attrs.frozen(kw_only=True)
class SeriesPlan:
    """One series of a run that trades several, and its settings."""

    series: SeriesSettings
    strategy: StrategySettings
    risk: RiskSettings
    """Limits of an order and a window are the series' own; account limits are the run's."""
    protections: ProtectionSettings = attrs.field(factory=ProtectionSettings)
    """Likewise."""
    is_ending: bool = False
    """It was dropped while the run goes on: its current window is the last one traded."""


@attrs.frozen(kw_only=True)
class Settings:
    """All settings; the defaults trade the real venue's books with simulated execution."""

    venue: VenueSettings = attrs.field(factory=VenueSettings)
    series: SeriesSettings = attrs.field(factory=SeriesSettings)
    strategy: StrategySettings = attrs.field(factory=StrategySettings)
    execution: ExecutionSettings = attrs.field(factory=ExecutionSettings)
    risk: RiskSettings = attrs.field(factory=RiskSettings)
    protections: ProtectionSettings = attrs.field(factory=ProtectionSettings)
    supervision: SupervisionSettings = attrs.field(factory=SupervisionSettings)
    metrics: MetricsSettings = attrs.field(factory=MetricsSettings)
    alerts: AlertSettings = attrs.field(factory=AlertSettings)
    web: WebSettings = attrs.field(factory=WebSettings)
    recording: RecordingSettings = attrs.field(factory=RecordingSettings)
    backtest: BacktestSettings = attrs.field(factory=BacktestSettings)

    speed: float = 1.0
    """Venue time per real time; set by the run, not a key. Limits of real durations grow by it."""

    number: int = 0
    """Number of the recorded settings (``SettingsChanged``); not a key."""

    is_trading: bool = True
    """False: the run only records and places no orders; not a key."""

    traded: tuple[SeriesPlan, ...] = ()
    """Every series of a run that trades several; empty while ``series`` is the only one."""

    @property
    def plans(self) -> tuple[SeriesPlan, ...]:
        """Every series that is traded, in the order of the configuration."""
        if self.traded:
            return self.traded
        lone = SeriesPlan(
            series=self.series,
            strategy=self.strategy,
            risk=self.risk,
            protections=self.protections,
        )
        return (lone,)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of these series."""
        return tuple(plan.series.name for plan in self.plans)

    def trading(self, plans: Sequence[SeriesPlan]) -> Settings:
        """Return the settings for these series; each has roles of its own, even a single one."""
        return attrs.evolve(self, series=plans[0].series, traded=tuple(plans))

    @property
    def assets(self) -> tuple[str, ...]:
        """Every underlying that is traded, once."""
        return tuple(dict.fromkeys(plan.series.asset for plan in self.plans))

    def plan(self, series: str) -> SeriesPlan:
        """Return a series' plan; the first one's for a series that is no longer traded."""
        plans = self.plans
        return next((plan for plan in plans if plan.series.name == series), plans[0])

    def of(self, series: str) -> Settings:
        """Return the settings as they apply to one series, which need not be traded."""
        if not self.traded:
            return self
        plan = self.plan(series)
        return attrs.evolve(
            self,
            series=plan.series,
            strategy=plan.strategy,
            risk=plan.risk,
            protections=plan.protections,
        )

    def for_role(self, role: str) -> Settings:
        """Return the settings for a role's actor: those of its series, if it belongs to one."""
        series = series_of_role(role)
        return self.of(series) if series else self

    def role(self, base: str, series: str) -> str:
        """Return the role of a series' actor; the plain role while only one series is traded."""
        return series_role(base, self.plan(series).series.name) if self.traded else base

    def roles(self, base: str) -> tuple[str, ...]:
        """Return every role of a kind: one for each series, if each has its own."""
        if not (self.traded and is_of_series(base)):
            return (base,)
        return tuple(series_role(base, plan.series.name) for plan in self.traded)
