"""``python -m venue``."""

from venue.cli import venue

if __name__ == "__main__":
    venue()
