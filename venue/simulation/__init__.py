"""A seeded market in steps of venue time: the same seed gives the same stream at any speed."""
