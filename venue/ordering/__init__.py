"""Orders of real clients: who may send them, what becomes of them, and what can go wrong.

The engine knows orders and money, and nothing of keys, signatures, settlement or HTTP. All that is
here: ``signatures`` and ``keys`` prove who asks, ``admission`` lets it in, ``terms`` reads what was
signed, ``desk`` decides, ``bookkeeper`` remembers and ``settlement`` lets trades become final or
fail. They are pure; ``service`` wires them together and ``rest`` is their HTTP.
"""
