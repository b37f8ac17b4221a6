"""A running system for people: its status, the wording of values, and the terminal view."""
