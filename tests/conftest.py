"""Its presence puts this folder on the import path: helpers for all tests live beside it."""
