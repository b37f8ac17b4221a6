"""Checks that journal, ledger, executor and exchange agree.

Drills, simulations and fault tests run it at their end. It reads what was recorded and reported,
and computes all sums again: fees, payouts and money, with arithmetic of its own, so that it cannot
share a mistake with the product or the exchange.
"""
