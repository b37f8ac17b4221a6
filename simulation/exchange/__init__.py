"""The venue in a run: the real matching engine and wire formats, little trading, no sockets."""
