"""The systemd units of a run and of its watchers, as text; a pure function of the plan.

Source: systemd.unit(5), systemd.service(5), systemd.exec(5), as of systemd 252 (Debian 12).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from understudy.credentials.live import LIVE_FLAG
from understudy.processes.exit_codes import ExitCode
from understudy.processes.isolation import FLAGS

STOP_LIMIT_S = 90
"""Longest orderly end: a live order's outcome may be open for 30 s, and a crashed tree is rebuilt
once to see its orders end."""
WATCHDOG_S = 30
"""The foreground's loop turns ten times a second; rebuilding a tree takes a few seconds."""
_STATE_ROOT = Path("/var/lib")
_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
_FINAL_CODES = (
    ExitCode.BAD_INPUT,
    ExitCode.LOCKED,
    ExitCode.GAVE_UP,
    ExitCode.JOURNAL_UNUSABLE,
)
"""After these a restart would change nothing, or would trade on where a person should look first.
"""

_HARDENING = """\
NoNewPrivileges=yes
LockPersonality=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0077
"""
"""Hardening that a user's own manager supports as well."""
_SYSTEM_HARDENING = """\
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
DevicePolicy=closed
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
RemoveIPC=yes
"""


@attrs.frozen(kw_only=True)
class ServicePlan:
    """The inputs of the units. Every path is absolute."""

    name: str
    """Name of the run's unit; its watchers' names begin with it."""
    python: Path
    """The interpreter of the environment in which the program is installed."""
    base_prefix: Path
    """Where that interpreter's own files are."""
    data_dir: Path
    is_user: bool = False
    """Whether the units are for a user's own manager, without root."""
    run_as: str = "understudy"
    """User of the system's unit."""
    config: Path | None = None
    key: Path | None = None
    """File of the private key, readable for root only."""
    api_credentials: Path | None = None
    """File of the venue's API credentials."""
    alert_targets: Path | None = None
    """File of the alert targets; None for no alerts unit."""
    has_metrics: bool = False
    has_page: bool = False
    is_real_money_understood: bool = False


def units_of(plan: ServicePlan) -> Mapping[str, str]:
    """The units' texts by file name; the run's comes first."""
    units = {f"{plan.name}.service": _run_unit(plan)}
    if plan.alert_targets is not None:
        units[f"{plan.name}-alerts.service"] = _watcher_unit(
            plan,
            "sends alerts",
            "alerts watch",
            _credential("alert-targets", plan.alert_targets, "UNDERSTUDY_ALERTS_FILE"),
        )
    if plan.has_metrics:
        units[f"{plan.name}-metrics.service"] = _watcher_unit(
            plan,
            "metrics and health",
            "metrics",
            "IPAddressDeny=any\nIPAddressAllow=localhost\n",
        )
    if plan.has_page:
        config = "" if plan.config is None else f" --config {_quoted(plan.config)}"
        units[f"{plan.name}-web.service"] = _watcher_unit(plan, "the page", f"web{config}", "")
    return units


def _run_unit(plan: ServicePlan) -> str:
    words = ["run", f"--data-dir {_quoted(plan.data_dir)}"]
    if plan.config is not None:
        words.append(f"--config {_quoted(plan.config)}")
    if plan.alert_targets is not None:
        words.append("--set alerts.enabled=false")
    if plan.has_metrics:
        words.append("--set metrics.enabled=false")
    if plan.has_page:
        words.append("--set web.enabled=false")
    if plan.is_real_money_understood:
        words.append(LIVE_FLAG)
    secrets = ""
    if plan.key is not None:
        secrets += _credential("private-key", plan.key, "UNDERSTUDY_PRIVATE_KEY_FILE")
    if plan.api_credentials is not None:
        variable = "UNDERSTUDY_API_CREDENTIALS_FILE"
        secrets += _credential("api-credentials", plan.api_credentials, variable)
    codes = " ".join(str(int(code)) for code in _FINAL_CODES)
    # A user's manager cannot order after units of the system.
    needs = "" if plan.is_user else "network-online.target time-sync.target"
    order = f"Wants={needs}\nAfter={needs}\n" if needs else ""
    return f"""\
[Unit]
Description=Understudy: trades Polymarket's short crypto markets
{order}StartLimitIntervalSec=600
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart={_command(plan, *words)}
WatchdogSec={WATCHDOG_S}
TimeoutStartSec=120
TimeoutStopSec={STOP_LIMIT_S}
# The run ends its orders and then its actors; only what is left after that is killed.
KillMode=mixed
Restart=on-failure
RestartSec=10
# Bad input, another run's directory, too many restarts, no journal: a person should look first.
RestartPreventExitStatus={codes}
# One actor that the kernel kills for its memory is restarted by the supervisor.
OOMPolicy=continue
# The actors on an order's way may run first (docs/decisions/urgent-actors.md).
LimitRTPRIO=1
{secrets}{_place(plan)}{_hardening(plan)}
[Install]
WantedBy={_target(plan)}
"""


def _watcher_unit(plan: ServicePlan, what: str, words: str, more: str) -> str:
    command = _command(plan, words, f"--data-dir {_quoted(plan.data_dir)}")
    return f"""\
[Unit]
Description=Understudy: {what}
StartLimitIntervalSec=0

[Service]
# Not tied to the run: it matters most when the run is down.
ExecStart={command}
Restart=on-failure
RestartSec=10
RestartPreventExitStatus={int(ExitCode.BAD_INPUT)}
TimeoutStopSec=15
Nice=10
RestrictRealtime=yes
{more}{_place(plan)}{_hardening(plan)}
[Install]
WantedBy={_target(plan)}
"""


def _command(plan: ServicePlan, *words: str) -> str:
    return " ".join([_quoted(plan.python), *FLAGS, "-m understudy", *words])


def _quoted(path: Path) -> str:
    """A path as one word of a command line; systemd.service(5), "Command lines"."""
    text = str(path).replace("%", "%%").replace("$", "$$")
    if not any(each in text for each in " \t\"'\\"):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _plain(path: Path) -> str:
    """A path as a whole value, with systemd's specifiers escaped."""
    return str(path).replace("%", "%%")


def _credential(name: str, path: Path, variable: str) -> str:
    """Write a credential: systemd passes the file to this service's processes only."""
    return f"LoadCredential={name}:{_plain(path)}\nEnvironment={variable}=%d/{name}\n"


def _place(plan: ServicePlan) -> str:
    if plan.is_user:
        return ""
    lines = [f"User={plan.run_as}", f"Group={plan.run_as}"]
    if plan.data_dir.parent == _STATE_ROOT:
        lines += [f"StateDirectory={plan.data_dir.name}", "StateDirectoryMode=0700"]
    else:
        lines.append(f"ReadWritePaths={_quoted(plan.data_dir)}")
    is_at_home = any(_is_at_home(path) for path in _paths(plan))
    lines.append(f"ProtectHome={'read-only' if is_at_home else 'yes'}")
    return "\n".join(lines) + "\n"


def _paths(plan: ServicePlan) -> Iterator[Path]:
    yield from (plan.python, plan.base_prefix, plan.data_dir)
    if plan.config is not None:
        yield plan.config


def _is_at_home(path: Path) -> bool:
    return any(path.is_relative_to(home) for home in _HOMES)


def _hardening(plan: ServicePlan) -> str:
    families = "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK\n"
    return _HARDENING + families + ("" if plan.is_user else _SYSTEM_HARDENING)


def _target(plan: ServicePlan) -> str:
    return "default.target" if plan.is_user else "multi-user.target"
