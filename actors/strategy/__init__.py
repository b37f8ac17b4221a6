"""The strategy: evaluate_strategy, its stages, the contract for strategies, and the actor."""
