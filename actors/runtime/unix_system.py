"""Starts Thespian's actor system over a run's own sockets."""

from __future__ import annotations

from types import SimpleNamespace

from thespian.actors import ActorSystem
from thespian.system.multiprocCommon import multiprocessCommon

from actors.runtime.sockets.directory import SocketDirectory
from actors.runtime.transport import Run, UnixTransport


def system_over(directory: SocketDirectory) -> ActorSystem:
    """Start an actor system whose processes communicate through a directory.

    Raises:
        OSError: its file system does not support sockets.
        ActorSystemException: the admin does not start.
    """
    transport = type("RunTransport", (UnixTransport,), {"run_shared": Run(directory)})
    base = type("UnixSystemBase", (multiprocessCommon,), {"transportType": transport})
    capabilities = {
        "Thespian ActorSystem Name": "unix sockets",
        "Thespian ActorSystem Version": 1,
        "Thespian Watch Supported": True,
        "AllowRemoteActorSources": "No",
    }
    # Thespian keeps one system per process unless told that this is a separate one.
    return ActorSystem(base(SimpleNamespace(capabilities=capabilities)), transientUnique=True)
