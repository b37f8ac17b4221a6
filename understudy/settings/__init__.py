"""Settings: their keys, their file, contradictions, and what may change during a run."""
