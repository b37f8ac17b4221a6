"""Results of backtests: a folder a run, its numbers, its page, and comparisons; docs/results.md."""
