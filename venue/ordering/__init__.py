"""Clients' orders: who may send them, how they are handled, and the faults of doing so.

The engine handles orders and money but not keys, signatures, settlement or HTTP. Those are here:
``signatures`` and ``keys`` prove who asks, ``admission`` applies limits, ``terms`` reads what was
signed, ``desk`` decides, ``bookkeeper`` records, and ``settlement`` makes trades final or fail.
These are pure; ``service`` wires them together and ``rest`` serves them over HTTP.
"""
