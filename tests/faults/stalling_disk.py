"""A disk that stops taking anything for a while: a library between SQLite and the C library."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from understudy.drill.processes import wait_for

COMPILER = shutil.which("cc")

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* No sync returns while the file STALL exists; the first to wait makes STALL_MET. */
static void stall(void) {
    const char *path = getenv("STALL"), *met = getenv("STALL_MET");
    if (path == NULL || met == NULL || access(path, F_OK) != 0) return;
    close(open(met, O_CREAT | O_WRONLY, 0600));
    while (access(path, F_OK) == 0) usleep(5000);
}

#define SYNC(name) \
    int name(int descriptor) { \
        int (*real)(int) = dlsym(RTLD_NEXT, #name); \
        stall(); \
        return real(descriptor); \
    }

SYNC(fsync)
SYNC(fdatasync)
"""


class StallingDisk:
    """What a run's disk is, if its processes are given ``variables``."""

    def __init__(self, folder: Path) -> None:
        """Compile the library.

        Args:
            folder: for it, and for the files that it is steered with; not the run's own.
        """
        source, self._library = folder / "stall.c", folder / "stall.so"
        source.write_text(_SOURCE)
        assert COMPILER is not None
        command = [COMPILER, "-shared", "-fPIC", "-o", self._library, source, "-ldl"]
        subprocess.run(command, check=True, timeout=60)
        self._stall, self._met = folder / "stall", folder / "met"

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a process on this disk."""
        return {
            "LD_PRELOAD": str(self._library),
            "STALL": str(self._stall),
            "STALL_MET": str(self._met),
        }

    def stall(self, limit_s: float) -> None:
        """Take nothing from now on; returns when somebody waits for it."""
        self._met.unlink(missing_ok=True)
        self._stall.touch()
        assert wait_for(self._met.exists, limit_s), "nobody has recorded anything"

    def go_on(self) -> None:
        """Take everything again, at once."""
        self._stall.unlink(missing_ok=True)
