"""Numbers for Prometheus about a running system, and whether it serves."""
