"""The venue in a run: the real matching engine and wire formats, a sparse market, no sockets."""
