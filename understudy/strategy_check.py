"""The name by which tests of strategies that an earlier release wrote find the check."""

from __future__ import annotations

from understudy.strategy.check import check_file, example_context, settings_of_file

__all__ = ["check_file", "example_context", "settings_of_file"]
