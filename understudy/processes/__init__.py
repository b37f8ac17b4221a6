"""Operating system processes: starting them, keeping them private, and ending them."""
