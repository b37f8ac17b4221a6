"""What ``understudy doctor`` looks at before a run: one module a check, one line a finding."""
