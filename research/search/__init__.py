"""Searches parameters over recorded windows, and says how much of the best result is luck."""
