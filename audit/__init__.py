"""Holds books together: the journal, the ledger, the executor and the exchange must tell one story.

Drills, simulations and tests of faults ask it in the end. It reads what was recorded and told, and
adds everything up anew: fees, payouts and money by arithmetic that it shares with nobody, so that
no mistake of the product or of the exchange can hide in it.
"""
