"""The process around the directory."""

from __future__ import annotations

from actors.directory.core import DirectoryCore
from actors.directory.port import HttpPort
from actors.messages import Boot
from actors.runtime.process import Port, Shell


class DirectoryShell(Shell):
    """Runs DirectoryCore, with HTTP to read the venue's metadata and time."""

    core_class = DirectoryCore

    def make_port(self, boot: Boot) -> Port:
        """Make the HTTP port."""
        del boot
        return HttpPort()
