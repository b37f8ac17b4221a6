"""The real executor: the conversation with the venue, by the one process that holds the key.

``core`` takes every message in and goes on with what is due; it knows no secret. What it commands
and hears (``messages``) is performed by ``port``, the only one with key, credentials and network:
``client`` is the venue's own client as it is used here, ``client_transport`` how that connects.

An order::

    SubmitOrder -> gate        may it be traded, and paid?   (comparison: ledger against venue)
                -> outbox      sign, record, post            (venue_rules: what answers prove)
                -> cancels     take back: one, the account's, or all when nothing can be recorded
    the venue's word, told     venue_session (the connection) -> user_channel (its frames)
    the venue's word, read     reconciler: reads the account, judges what is absent
                -> orders      every order that is known, and the one way in which they change
                -> live_order  what is recorded of one

``venue_session`` also has credentials and heartbeats. ``claims`` turns what is left of windows that
are over into money.
"""
