"""Sends alerts about a system to people, and keeps those that could not be delivered."""
