"""How orders live: the desk, one actor for each order, and the executor that talks to the venue."""
