"""Offline research on markets and strategies: recordings, backtests and parameter searches."""
