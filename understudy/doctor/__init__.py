"""The checks of ``understudy doctor``: one module per subject, one line per finding."""
