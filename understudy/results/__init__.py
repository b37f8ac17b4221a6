"""Results of backtests: a folder per run, its numbers, its page, and comparisons."""
