"""What people see of a running system: one status, its wording, and the terminal it is drawn on."""
