"""One actor a connection: the venue's market, TWAP and user channels, Coinbase's ticker."""
