"""A local exchange that speaks the protocols of Polymarket and Coinbase.

``windows`` and ``wire`` hold the venue's names and wire shapes, ``engine`` matches orders,
``simulation`` makes a seeded market and ``recorded`` replays real ones; each of the two is a
``world``. ``channels`` are the websocket protocols without sockets. ``ordering`` handles clients'
orders (keys, signatures, settlement, faults). ``hub``, ``rest`` and ``server`` are the thin shell
around it all.

Deliberate differences from the real venue:

* The simulated market sends fewer frames when it runs faster: 500 market frames a second, divided
  by the speed.
* One token's public book lags now and then for up to 1.2 seconds, usually the one that gained in a
  price jump. Both books are views of one book that cannot cross, so only such a lag lets the two
  best asks add up to less than $1. Such an arbitrage would not fill on the true book.
* Recorded windows have no price of the underlying. The one served is derived from Up's
  mid price, and the market's ``resolutionSource`` says so.
"""
