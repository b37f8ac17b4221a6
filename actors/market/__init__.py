"""MarketState: two order books, one atomic snapshot."""
