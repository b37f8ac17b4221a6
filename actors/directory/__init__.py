"""Which window is traded, what it is called, where its strike comes from, how it ended."""
