"""Benchmarks: the costs and promises of the README, measured. See docs/benchmarks.md."""
