"""Parameters searched over recorded windows, and how far the best of them is luck."""
