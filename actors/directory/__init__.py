"""The directory: which window is traded, its market, its strike and its result."""
