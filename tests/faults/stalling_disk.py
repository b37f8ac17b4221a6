"""A disk that stalls, or is full: a library between the run's processes and the C library."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from understudy.drill.processes import wait_for

COMPILER = shutil.which("cc")

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
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

/* While the file that FULL names exists, nothing is written to a plain file; it holds the errno. */
static int is_full(int descriptor) {
    const char *path = getenv("FULL");
    struct stat status;
    char text[16] = "";
    int full = path == NULL ? -1 : open(path, O_RDONLY);
    if (full < 0) return 0;
    int length = read(full, text, sizeof text - 1);
    close(full);
    if (length < 1 || fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
    errno = atoi(text);
    return 1;
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    return is_full(descriptor) ? -1 : real(descriptor, bytes, count);
}

#define PWRITE(name) \
    ssize_t name(int descriptor, const void *bytes, size_t count, off_t at) { \
        ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, #name); \
        return is_full(descriptor) ? -1 : real(descriptor, bytes, count, at); \
    }

PWRITE(pwrite)
PWRITE(pwrite64)
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
        subprocess.run(command, check=True)
        self._stall, self._met, self._full = folder / "stall", folder / "met", folder / "full"

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a process on this disk."""
        return {
            "LD_PRELOAD": str(self._library),
            "STALL": str(self._stall),
            "STALL_MET": str(self._met),
            "FULL": str(self._full),
        }

    def stall(self, limit_s: float) -> None:
        """Take nothing from now on; returns when somebody waits for it."""
        self._met.unlink(missing_ok=True)
        self._stall.touch()
        assert wait_for(self._met.exists, limit_s), "nobody has recorded anything"

    def fill(self, error_number: int) -> None:
        """Refuse every write to a plain file from now on."""
        ready = self._full.with_suffix(".new")
        ready.write_text(str(error_number))
        ready.rename(self._full)

    def go_on(self) -> None:
        """Take everything again, at once."""
        self._stall.unlink(missing_ok=True)
        self._full.unlink(missing_ok=True)
