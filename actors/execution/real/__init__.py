"""The real executor: the conversation with the venue, by the one process that holds the key.

``core`` decides and knows no secret; ``port`` holds key, credentials and client, and performs.
``live_order`` is what is recorded of an order, ``answers`` what the venue's answers prove.
"""
