"""Decodes the bytes of a file into text, and refuses files that are not tables (docs/tables.md, sections 1 and 2)."""

from __future__ import annotations

import codecs
import re

from lossatlas.errors import DataError

#: The first bytes of each kind of binary file, and a message that says what the file is and what to do.
_BINARY = (
    (
        b"PK\x03\x04",
        "This is a spreadsheet (or another ZIP archive), not text. In the spreadsheet program choose “Save as” and "
        "CSV, then open that file.",
    ),
    (
        b"\xd0\xcf\x11\xe0",
        "This is a spreadsheet of the old kind (.xls), not text. In the spreadsheet program choose “Save as” and CSV, "
        "then open that file.",
    ),
    (
        b"\x93NUMPY",
        'This is an array of NumPy, not text. In Python: numpy.savetxt("points.csv", array, delimiter=","), then open '
        "points.csv.",
    ),
    (b"\x1f\x8b", "This is compressed (gzip). Decompress it, then open the file that comes out."),
    (b"%PDF", "This is a PDF, not a table. Copy the table into a spreadsheet and save it as CSV."),
    (
        b"PAR1",
        'This is a Parquet file, not text. In Python: pandas.read_parquet("…").to_csv("points.csv", index=False), then '
        "open points.csv.",
    ),
)
_PROBE = 64
_LIBSVM = re.compile(r"\S+(\s+[0-9]+:[^\s:]+)+")


def decode(data: bytes, chosen: str | None = None) -> tuple[str, str]:
    """Decode the bytes of a file.

    Parameters
    ----------
    data
        The bytes of the file.
    chosen
        The encoding to use instead of the one that is recognised.

    Returns
    -------
    tuple
        The text, and the name of the encoding.

    Raises
    ------
    DataError
        If the file is not text, or the chosen encoding is unknown.
    """
    for start, what in _BINARY:
        if data.startswith(start):
            raise DataError(what)
    encoding = chosen or _recognise_encoding(data)
    if encoding is None:
        raise DataError("This file is not text. Save the table as CSV, then open that file.")
    try:
        codecs.lookup(encoding)
        text = data.decode(encoding, "replace")
    except (LookupError, UnicodeError):
        raise DataError(f"There is no encoding {encoding!r}; utf-8, utf-16, windows-1252 are usual.") from None
    return text.removeprefix("\ufeff"), encoding


def _recognise_encoding(data: bytes) -> str | None:
    """Recognise the encoding of bytes; None if they are not text."""
    if data.startswith(codecs.BOM_UTF16_LE):
        return "utf-16le"
    if data.startswith(codecs.BOM_UTF16_BE):
        return "utf-16be"
    start = data[:_PROBE]
    for odd, encoding in ((1, "utf-16le"), (0, "utf-16be")):
        if len(start) > 3 and all((byte == 0) == (place % 2 == odd) for place, byte in enumerate(start)):
            return encoding
    if 0 in data:
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "windows-1252"
    return "utf-8"


def refuse_other_text(text: str) -> None:
    """Refuse text that is not a table of rows, with a message that names the format and says what to do.

    Raises
    ------
    DataError
        If the text is in another format, or is empty.
    """
    if reason := _explain_refusal(text):
        raise DataError(reason)


def _explain_refusal(text: str) -> str:
    lines = [line for line in map(str.strip, text[:20_000].split("\n")) if line][:40]
    if not lines:
        return "There is nothing to read: give some rows with two numbers and a label each."
    first, second = lines[0], lines[1] if len(lines) > 1 else ""
    if first[0] in "[{":
        return (
            "This is JSON, not a table of rows. "
            'In Python: pandas.read_json("…").to_csv("points.csv", index=False), then open points.csv.'
        )
    if re.fullmatch(r"[|\-: ]+", second) and "---" in second and "|" in second:
        return (
            "This is a table in Markdown. Delete the line of dashes under its head: what is left is read as columns "
            "between “|”."
        )
    if first.startswith("<"):
        return "This is HTML or XML. Open the page, copy the table from it, and paste it into a spreadsheet."
    if re.match(r"@relation\b", first, re.IGNORECASE):
        return "This is an ARFF file. Delete everything down to the line “@data”: what is left is read as a table."
    if 2 * sum(_LIBSVM.fullmatch(line) is not None for line in lines) > len(lines):
        return (
            "These are rows of libsvm (label index:value …). In Python: sklearn.datasets.load_svmlight_file reads "
            "them; write two columns and the label as CSV, then open that file."
        )
    return ""
