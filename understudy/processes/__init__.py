"""Processes of the operating system: how they are started, kept private, and ended."""
