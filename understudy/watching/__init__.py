"""What watches a system from outside: it only reads, and may fall without trading noticing."""
