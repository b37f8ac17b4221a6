"""Benchmarks: what the promises of the README cost and hold, measured. See docs/benchmarks.md."""
