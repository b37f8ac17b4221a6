"""A web page about one data directory, served by a process of its own."""
