"""The whole system on one scheduler: virtual time, one seed, and faults at every interface."""
