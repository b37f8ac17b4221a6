"""The ledger: turns fills into positions and P&L."""
