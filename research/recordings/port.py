"""The recorder's port to the disk: files are written on a thread of its own, about twice a second.

Every failure is reported to the recorder, and the write is retried. Frames wait meanwhile, up to a
limit.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from actors.messages.recorder import (
    BeginRecording,
    EndRecording,
    KeepCapture,
    RecordingFailed,
    RecordingGoesOn,
)
from actors.runtime.io_thread import IoThread
from research.recordings.places import BadRecording, is_remote, upload
from research.recordings.room import NoRoom, RoomLimits, make_room
from research.recordings.session import Recorder, RecordingSession

WRITE_EVERY_S = 0.4
"""Real time. Together with what a feed's process buffers, a cut loses less than a second."""
LOOK_FOR_ROOM_EVERY_S = 30.0


class RecorderPort:
    """Performs BeginRecording, KeepCapture, EndRecording; reports RecordingFailed, GoesOn."""

    def __init__(self, folder: Path, target: str, limits: RoomLimits, recorder: Recorder) -> None:
        """Begin without a window.

        Args:
            folder: where files are written; created if missing.
            target: an address to which each finished file is moved; empty: it stays.
            limits: of the folder.
            recorder: identity and clock of the recorder.
        """
        self._folder = folder
        self._target = target
        self._limits = limits
        self._session = RecordingSession(folder, recorder)
        self._trouble = ""
        self._looked_at_s: float | None = None
        self._io = IoThread("recordings")
        self._uploads: set[asyncio.Task[None]] = set()
        self._io.submit(self._write_on())

    def fileno(self) -> int:
        """Descriptor that is readable while events wait."""
        return self._io.fileno()

    def perform(self, command: object) -> None:
        """Start a command of the core.

        Raises:
            TypeError: the command is not one of this port's.
        """
        if not isinstance(command, BeginRecording | KeepCapture | EndRecording):
            raise TypeError(f"a recorder cannot perform {command!r}")
        self._io.submit(self._perform(command))

    def drain(self) -> list[object]:
        """Return the events since the last call."""
        return self._io.drain()

    def close(self) -> None:
        """Write what waits, and leave the files for a successor."""
        self._io.close()

    # On the I/O thread

    async def _perform(self, command: BeginRecording | KeepCapture | EndRecording) -> None:
        try:
            match command:
                case BeginRecording():
                    self._look_for_room()
                    self._session.begin(command.market, command.strike)
                case KeepCapture(capture):
                    self._session.keep(capture.items)
                case EndRecording(market, result):
                    self._end(self._session.end(market, result))
        except Exception as problem:  # whatever it is, trading must not end because of it
            self._fail(problem)

    async def _write_on(self) -> None:
        try:
            while True:
                await asyncio.sleep(WRITE_EVERY_S)
                self._write()
        finally:
            self._session.close()

    def _write(self) -> None:
        try:
            if time.monotonic() - (self._looked_at_s or 0.0) > LOOK_FOR_ROOM_EVERY_S:
                self._look_for_room()
            self._session.flush()
        except Exception as problem:  # as above
            self._fail(problem)
            return
        if self._trouble:
            self._trouble = ""
            self._io.post(RecordingGoesOn())

    def _look_for_room(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_room(self._folder, self._limits, self._session.paths)
        self._looked_at_s = time.monotonic()

    def _fail(self, problem: Exception) -> None:
        reason = str(problem)
        if not isinstance(problem, OSError | BadRecording | NoRoom):
            reason = f"an error in the recorder itself: {type(problem).__name__}: {problem}"
        elif isinstance(problem, OSError):
            reason = f"{problem.filename or self._folder}: {problem.strerror or problem}"
        self._trouble = reason
        self._io.post(RecordingFailed(reason))

    def _end(self, path: Path | None) -> None:
        if path is not None and self._target:
            task = asyncio.create_task(self._upload(path))
            self._uploads.add(task)
            task.add_done_callback(self._uploads.discard)

    async def _upload(self, path: Path) -> None:
        try:
            await asyncio.to_thread(upload, path, self._target)
        except BadRecording as problem:
            # the file stays, and can be moved manually
            self._io.post(RecordingFailed(str(problem)))


def local_folder(place: str, data_dir: Path) -> Path:
    """Where a run's recordings are written first."""
    if not place or is_remote(place):
        return data_dir / "recordings"
    return Path(place).expanduser().absolute()
