"""``python -m lossatlas`` is the command ``lossatlas``."""

from __future__ import annotations

from lossatlas.cli import main

if __name__ == "__main__":
    main()
