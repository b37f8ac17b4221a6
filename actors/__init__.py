"""The trading system: one folder an actor, cores that are pure, and a runtime that performs."""
