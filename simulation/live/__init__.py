"""Real orders in the simulation: an exchange that accepts them, has faults, and keeps the truth."""
