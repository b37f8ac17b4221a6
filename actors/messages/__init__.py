"""What actors say to each other: one module for each that speaks."""
