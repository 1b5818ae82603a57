"""Tables as people have them: bytes, text or a data frame → points with a class each, by the rules of docs/tables.md.

bytes → text (``decoding``) → rows of cells (``rows``) → columns (``columns``) → points, labels, and all that is worth
saying of them (``table``).
The page reads by the same rules (``web/features/datasets/tables``), and both are tested by the same cases.
"""

from lossatlas.tables.table import Choice, Table, read_bytes, read_columns, read_text

__all__ = ["Choice", "Table", "read_bytes", "read_columns", "read_text"]
