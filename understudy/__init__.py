"""What a person meets: the command line, configuration, the foreground process, the console."""
