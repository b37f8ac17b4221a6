"""A page in the browser about one data directory, served by a process of its own."""
