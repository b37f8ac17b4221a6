"""A fuzzing campaign over all input from outside; ``python -m bench.fuzz --help``."""
