"""The runtime of cores: processes, the journal, the transport, timers, clocks and the log."""
