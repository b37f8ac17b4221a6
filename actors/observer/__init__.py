"""What people see: a running summary of what every other actor says."""
