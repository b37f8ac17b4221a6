"""The exchange's websocket protocols without sockets: text in, replies out."""
