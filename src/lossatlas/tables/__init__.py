"""Reads tables that people have (a file, text or a data frame) into points with a class each.

The steps are: bytes → text (``decoding``) → rows of cells (``rows``) → columns (``columns``) → points, labels and
messages about them (``table``). The rules are in docs/tables.md. The page follows the same rules
(``web/features/datasets/tables``), and the same cases test both.
"""

from lossatlas.tables.table import Choice, Table, read_bytes, read_columns, read_text

__all__ = ["Choice", "Table", "read_bytes", "read_columns", "read_text"]
