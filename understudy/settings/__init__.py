"""Settings: their keys, the file they are from, what contradicts what, what may change in a run."""
