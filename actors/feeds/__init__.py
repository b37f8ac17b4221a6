"""One actor per feed: the venue's market and TWAP channels, and Coinbase's ticker."""
