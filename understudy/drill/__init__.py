"""The drill: kills whatever can fall while the system trades, and checks that nothing was lost."""
