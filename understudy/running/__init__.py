"""One run from its start to its summary, and what people and systemd learn of it meanwhile."""
