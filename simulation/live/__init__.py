"""Live orders in the simulation: an exchange that takes them, misbehaves, and keeps the truth."""
