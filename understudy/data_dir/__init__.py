"""The data directory: who may hold and read it, and the upkeep of its journal."""
