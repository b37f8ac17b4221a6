"""Checks that journal, ledger, executor and exchange agree.

Drills, simulations and fault tests use it at their end. It reads what was recorded and reported,
and computes all sums again: fees, payouts and money, with arithmetic that it shares with nobody, so
that no mistake of the product or of the exchange can hide in it.
"""
