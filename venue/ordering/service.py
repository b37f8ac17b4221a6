"""The order side of a running exchange: its parts, and what they do as time passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import attrs

from venue.channels.user import UserSession
from venue.engine import Ledger
from venue.faults import Fault, FaultFile, FaultKind, FaultSchedule, Occasion, OrderFaults
from venue.frames import Channel, Frame
from venue.ordering.admission import EntryMode, OrderEntry, RateLimits
from venue.ordering.chain import Chain
from venue.ordering.desk import OrderDesk, Prove
from venue.ordering.keys import Heartbeats, KeyRing
from venue.ordering.reads import AccountReads
from venue.ordering.reports import WalletReports
from venue.ordering.signatures import prove_order
from venue.ordering.wallets import Wallets
from venue.simulation.market import SimulatedMarket
from venue.world import Catalogue

_DRAWN_EVERY_MS = 1_000
"""How often the start or end of a window is looked for."""
_RESTRICTIONS = {
    FaultKind.POST_ONLY: EntryMode.POST_ONLY,
    FaultKind.CANCEL_ONLY: EntryMode.CANCEL_ONLY,
    FaultKind.DISABLED: EntryMode.DISABLED,
}


@attrs.frozen(kw_only=True)
class Surface:
    """What the order side needs of the server around it."""

    now_ms: Callable[[], int]
    """Venue time."""
    wall_ms: Callable[[], int]
    """The host's time: the only one that clients know, and sign with."""
    send: Callable[[Iterable[Frame]], None]
    inject: Callable[[Channel, FaultKind, int], None]
    """Injects a fault into a stream."""


class OrderService:
    """Keys, desk, limits, switches, faults and books of one exchange.

    ``wallets`` have so many nanodollars at the start; the times of a fault file count from now on.
    """

    def __init__(
        self,
        *,
        seed: int,
        catalogue: Catalogue,
        ledger: Ledger,
        surface: Surface,
        wallets: Mapping[str, int],
        fault_file: FaultFile,
        prove: Prove = prove_order,
    ) -> None:
        self._surface = surface
        self._schedule = FaultSchedule(fault_file.planned, surface.now_ms())
        self.skew_ms = 0
        """As a fault: how far the clock that clients can see is ahead."""
        self._refuses_keys_until_ms = 0
        self.catalogue = catalogue
        self.faults = OrderFaults(seed, fault_file.chances)
        self.entry = OrderEntry()
        self.limits = RateLimits()
        self.keys = KeyRing(seed)
        self.heartbeats = Heartbeats(seed)
        self.wallets = Wallets(ledger)
        self.desk = OrderDesk(
            seed=seed,
            ledger=ledger,
            catalogue=catalogue,
            faults=self.faults,
            prove=prove,
            send=surface.send,
        )
        self.reads = AccountReads(seed, self.desk.books, ledger)
        self.chain = Chain(seed, ledger, self.wallets, catalogue, self.faults)
        self.reports = WalletReports(self.desk.books, ledger)
        self._drawn: set[tuple[str, FaultKind]] = set()
        self.known_wallets = dict.fromkeys(address.lower() for address in wallets)
        """Wallets with books, in the order of their first money, key or transaction."""
        for address, amount_nanos in wallets.items():
            self.wallets.deposit(address.lower(), amount_nanos)

    @property
    def now_ms(self) -> int:
        """Venue time."""
        return self._surface.now_ms()

    @property
    def wall_ms(self) -> int:
        """The time against which signed requests are checked: the host's, plus the skew."""
        return self._surface.wall_ms() + self.skew_ms

    @property
    def refuses_keys(self) -> bool:
        """As a fault: whether no API key is accepted now."""
        return self.now_ms < self._refuses_keys_until_ms

    def new_session(self) -> UserSession:
        """Start a connection of the user channel."""
        return UserSession(self.find_wallet)

    def advance(self) -> None:
        """Do what is due: faults, switches of clients that stopped beating, settlement."""
        now_ms = self.now_ms
        for command in self._schedule.due(now_ms):
            self.inject(command)
        for name in self.heartbeats.expired(now_ms):
            api_key = self.keys.with_name(name)
            if api_key is not None:
                self.desk.cancel_matching(api_key.wallet, now_ms, api_key=name)
        if now_ms % _DRAWN_EVERY_MS == 0:
            self._draw_oddities(now_ms)
        self.chain.advance(now_ms)
        self.desk.advance(now_ms)

    def inject(self, fault: Fault) -> None:
        """Inject a fault."""
        if fault.channel is not None:
            self._surface.inject(fault.channel, fault.kind, fault.count)
        elif fault.kind.occasion is Occasion.AT_ONCE:
            self._inject_at_once(fault)
        else:
            self.faults.plan(fault)

    def _draw_oddities(self, now_ms: int) -> None:
        """Draw windows' oddities: by chance at start and end, by command also in between."""
        for market in self.catalogue:
            if not isinstance(market, SimulatedMarket):
                continue
            slug, oddities = market.window.slug, market.oddities
            for kind in oddities.kinds_to_draw(now_ms):
                lasts_ms = self.faults.lasts_ms(kind)
                is_first = (slug, kind) not in self._drawn
                self._drawn.add((slug, kind))
                if not oddities.would_show(kind, lasts_ms, now_ms):
                    continue
                if self.faults.strikes(kind, slug, by_chance=is_first):
                    oddities.add(kind, lasts_ms)

    def _inject_at_once(self, fault: Fault) -> None:
        now_ms, lasts_ms = self.now_ms, fault.lasts_ms
        self.faults.injected[fault.kind] += 1
        if fault.kind is FaultKind.RESTART:
            self.entry.restart(now_ms, lasts_ms)
        elif fault.kind in _RESTRICTIONS:
            self.entry.restrict(_RESTRICTIONS[fault.kind], now_ms, lasts_ms)
        elif fault.kind is FaultKind.UNAUTHORIZED:
            self._refuses_keys_until_ms = now_ms + lasts_ms
        elif fault.kind is FaultKind.REVOKED_KEYS:
            self.keys.revoke_all()
        elif fault.kind is FaultKind.CLOCK_SKEW:
            self.skew_ms = lasts_ms
        elif fault.kind is FaultKind.CANCEL_BY_VENUE:
            self.desk.cancel_by_venue(now_ms)
        elif fault.kind is FaultKind.REPLAY:
            self.desk.replay(fault.count, now_ms)
        else:
            self.faults.call_off()
            self.entry.open()
            self.skew_ms = self._refuses_keys_until_ms = 0

    def find_wallet(self, key: str, secret: str, passphrase: str) -> str | None:
        """The wallet of these credentials; None if they are unknown or none are accepted now."""
        api_key = self.keys.with_credentials(key, secret, passphrase)
        return None if api_key is None or self.refuses_keys else api_key.wallet
