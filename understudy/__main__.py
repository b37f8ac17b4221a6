"""Makes ``python -m understudy`` the same as ``understudy``."""

from __future__ import annotations

from understudy.entry import main

if __name__ == "__main__":
    main()
