"""The ledger: fills in, position and P&L out."""
