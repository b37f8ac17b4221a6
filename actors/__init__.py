"""The trading system: one folder an actor, cores that are pure and shells that perform."""
