"""One module per command; ``understudy.cli`` lists them and loads the one that is called."""
