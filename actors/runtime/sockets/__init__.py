"""How the processes of a run reach each other, and nobody else does: local sockets and frames."""
