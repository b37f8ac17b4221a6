"""Reading a journal: its values, and how they are shown."""
