"""What to trade: evaluate_strategy, its stages, and the actor that asks it."""
