"""A fuzzing campaign over everything that comes from outside; ``python -m bench.fuzz --help``."""
