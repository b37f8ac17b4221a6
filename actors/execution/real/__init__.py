"""The real executor: trades at the venue, in the one process that holds the private key.

``core`` handles every message and then performs whatever is due. It knows no secret. ``port``
performs its commands and reports the results (``messages``); only the port has the key, the
credentials and the network. ``client`` wraps the venue's own client, and ``client_transport`` makes
that client's connections.

The path of an order::

    SubmitOrder -> gate        may it be traded, and is there money? (comparison: ledger and venue)
                -> outbox      sign, record, post                    (venue_rules: reads answers)
                -> cancels     cancel one order, the account, or all when the journal has failed
    pushed updates             venue_session (the connection) -> user_channel (its frames)
    polled updates             account_readings: when the account is read, and what is read
                -> reconciler  applies both to the orders, and decides what an absence means
                -> orders      every known order, and the only code that changes one
                -> live_order  the recorded state of one order

``venue_session`` also keeps the credentials and the heartbeats. ``account_warnings`` logs what is
unusual in the account, ``lasting_problem`` logs a repeated failure once. ``redemptions`` turns the
shares of ended windows into money.
"""
