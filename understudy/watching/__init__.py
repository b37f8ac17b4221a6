"""Watching a system from outside: read-only, and without effect on trading even in a crash."""
