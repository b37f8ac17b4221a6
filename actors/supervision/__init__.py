"""Supervision: processes and actors, restarts, and when to end the run."""
