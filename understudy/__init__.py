"""Everything people use: the command line, configuration, a run, its views and its results."""
