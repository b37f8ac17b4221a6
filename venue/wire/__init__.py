"""Encoders of everything that leaves the exchange: pure functions from values to wire shapes."""
