"""Secrets of live trading: the private key and API credentials, and whose account they open."""
