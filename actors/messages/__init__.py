"""Messages between actors: one module per sender."""
