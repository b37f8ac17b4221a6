"""A local exchange that speaks the protocols of Polymarket and Coinbase.

``windows`` and ``wire`` know the venue's shapes, ``engine`` matches orders, ``simulation`` makes a
seeded market and ``recorded`` replays real ones; both are a ``world``. ``channels`` are the
websocket protocols without sockets, ``ordering`` is what a client's orders need (keys, signatures,
settlement, faults), and ``hub``, ``rest`` and ``server`` are the thin shell around it all.

What is not as on the real venue, on purpose:

* The simulated market is quieter at speed: 500 market frames a second divided by the speed.
* One token's public book lags now and then for up to 1.2 seconds, mostly the one that gained by a
  jump. Since both books are views of one that cannot cross, only so can the two best asks add up
  to less than $1; such an arbitrage would not fill on the true book.
* Recorded windows come without a price of the underlying; the one served is derived from Up's
  middle price, and the market's ``resolutionSource`` says so.
"""
