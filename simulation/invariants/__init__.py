"""What must hold after every step, and once the faults have stopped.

Each class checks one of the numbered invariants of docs/simulation.md. They believe no core: they
know the records, what each actor was told, and what the venue did.
"""
