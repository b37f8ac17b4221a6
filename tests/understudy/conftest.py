"""Its presence puts this folder on the import path: helpers for these tests live beside it."""
