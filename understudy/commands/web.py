"""``understudy web``: the page in the browser, about a system that runs or does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from click.core import ParameterSource

from actors.watcher_settings import WebSettings
from understudy.commands import shared
from understudy.display.terminal import echo_shown
from understudy.processes.end_signals import until_told
from understudy.processes.exit_codes import ExitCode
from understudy.teaching import group
from understudy.web import access
from understudy.web.server import Site, serve

DEFAULTS = WebSettings()


@group(
    invoke_without_command=True,
    examples={
        "understudy web": f"serve http://127.0.0.1:{DEFAULTS.port}/ until Ctrl-C",
        "understudy web token": "show the token for logging in; created if there is none",
        "understudy run --demo --set web.enabled=true": "beside a run, and ended with it",
        "understudy web --name trader.example.org": "behind a proxy with TLS: docs/web.md",
    },
)
@shared.config_option
@click.option(
    "--host",
    metavar="IP",
    help=f"Address to listen on; off loopback, everything needs a log-in.  [{DEFAULTS.host}]",
)
@shared.whole_number_option(
    "--port", most=65_535, help_text=f"Port; 0 takes a free one.  [{DEFAULTS.port}]"
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="NAME",
    help="Host name under which it is reached; may be repeated. Then everything needs a log-in.",
)
@click.option("--login", "asks_login", is_flag=True, help="Require the token on loopback as well.")
@shared.data_dir_option
@click.pass_context
def web(
    context: click.Context,
    config_path: Path | None,
    host: str | None,
    port: int | None,
    names: tuple[str, ...],
    asks_login: bool,
    data_dir: Path,
) -> None:
    """Serve a web page about a system: its present state, history, orders, warnings and errors.

    A process of its own that only reads: if it is slow, hangs or crashes, trading is not affected.
    It also serves when the system is down, and shows that. It is read-only until someone logs in
    with the token: then it can halt, resume and flatten, and the journal names the page. What no
    option says is taken from [web] of --config, if that is given.

    Exit codes: 0 ended by a signal, 1 the port is taken, 2 bad input.
    """
    if context.invoked_subcommand is not None:
        if context.get_parameter_source("data_dir") is not ParameterSource.DEFAULT:
            raise click.UsageError(f"--data-dir belongs after {context.invoked_subcommand}")
        return
    directory = shared.existing_directory(data_dir)
    known = shared.load_config(config_path).settings.web
    site = Site(
        host=known.host if host is None else host,
        port=known.port if port is None else port,
        names=tuple(name.lower() for name in names) or known.names,
        asks_login=asks_login or known.login,
    )
    _require_usable(site, directory)
    try:
        asyncio.run(until_told(serve(directory, site)))
    except OSError as error:
        shared.fail(f"port {site.port} of {site.host} cannot be served: {error.strerror}")


def _require_usable(site: Site, directory: Path) -> None:
    """End the command, bad input, if nobody could log in, or the host is invalid."""
    try:
        is_private = site.is_private
    except ValueError:
        shared.fail(f"{site.host!r} is not an IP address", ExitCode.BAD_INPUT)
    if is_private:
        try:
            access.read_token(directory)
        except access.NoToken as problem:
            shared.fail(
                f"a page that others can reach needs a token: {problem}", ExitCode.BAD_INPUT
            )


@web.command(
    examples={
        "understudy web token": "show it, or create it",
        "understudy web token --new": "replace it; everyone has to log in again",
    },
)
@click.option("--new", "is_new", is_flag=True, help="Replace it with a new one.")
@shared.data_dir_option
def token(data_dir: Path, *, is_new: bool) -> None:
    """Show the token for logging in to the page; the first call creates it.

    It is a secret: anyone who has it can halt, resume and flatten. It is kept in the data
    directory, readable by you alone, and written nowhere else.

    Exit codes: 0 ok, 1 the file cannot be used, 2 bad input.
    """
    directory = shared.existing_directory(data_dir)
    try:
        is_there = (directory / access.TOKEN_NAME).exists()
        text = access.new_token(directory) if is_new or not is_there else None
        with shared.failing_on(access.NoToken):
            echo_shown(text or access.read_token(directory))
    except OSError as error:
        shared.fail(f"the token cannot be written: {error.strerror}")
