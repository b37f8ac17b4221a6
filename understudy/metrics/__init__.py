"""Metrics of a running system for Prometheus, and its health."""
