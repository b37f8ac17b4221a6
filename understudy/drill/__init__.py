"""The drill: kills whatever can die while the system trades, and checks that nothing was lost."""
