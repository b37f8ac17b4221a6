"""Recorded windows: one file per window, with every raw frame; see docs/recordings.md."""

from research.recordings.model import (
    Gap,
    RecordedChannel,
    RecordedFrame,
    RecordedMarket,
    RecordingHead,
    RecordingTail,
)
from research.recordings.places import BadRecording
from research.recordings.reader import Recording, open_recording

__all__ = [
    "BadRecording",
    "Gap",
    "RecordedChannel",
    "RecordedFrame",
    "RecordedMarket",
    "Recording",
    "RecordingHead",
    "RecordingTail",
    "open_recording",
]
