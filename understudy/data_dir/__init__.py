"""The data directory: who may hold it and look into it, and the upkeep of its journal."""
