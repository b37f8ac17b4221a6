"""Secrets of live trading: the private key and API credentials, and the account they belong to."""
