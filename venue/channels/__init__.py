"""The websocket protocols of the exchange, without sockets: text in, replies out."""
