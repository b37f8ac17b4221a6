"""Tells people what happens to a system, and keeps what could not be delivered."""
