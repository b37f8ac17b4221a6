"""What must hold after every step, and once the faults have stopped.

Each class checks one of the numbered invariants of docs/simulation.md. They do not trust any core:
they use the records, the messages of each actor, and the venue's own truth.
"""
