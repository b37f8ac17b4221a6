"""Encoders of everything the exchange sends: pure functions from values to wire shapes."""
