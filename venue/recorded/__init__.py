"""Recorded windows served again: the real frames, at their own pace times the speed."""
