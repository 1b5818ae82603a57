"""Scripts for developers of Loss Atlas. Run them with ``python -m scripts.NAME``."""
