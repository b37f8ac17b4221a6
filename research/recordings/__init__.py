"""Recorded windows: one file a window, every raw frame in it; docs/recordings.md has the format."""

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
