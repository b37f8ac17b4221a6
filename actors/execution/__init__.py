"""How orders live: desk, one actor an order, and the executor that talks to the venue."""
