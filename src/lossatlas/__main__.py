"""Runs the command ``lossatlas`` with ``python -m lossatlas``."""

from __future__ import annotations

from lossatlas.cli import main

if __name__ == "__main__":
    main()
