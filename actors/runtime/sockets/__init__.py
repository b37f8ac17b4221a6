"""Communication between the processes of a run, and no others: local sockets and frames."""
