"""What a journal tells its readers: values out of the file, and how they are shown."""
