"""Reading a file that a person named: whole, up to a largest size, or refused with a message."""

from __future__ import annotations

from pathlib import Path

from lossatlas.errors import DataError

#: Bytes of the largest file that is read.
MOST_BYTES = 256 * 2**20


def read_file(path: Path | str, most: int = MOST_BYTES) -> bytes:
    """Give the bytes of a file.

    Raises
    ------
    DataError
        If there is no such file, it is a folder, it may not be read, or it has more than ``most`` bytes.
    """
    if not str(path):
        raise DataError("no file is named: give a path")
    try:
        with Path(path).open("rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError) as error:  # a path with a zero byte is no value
        raise DataError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > most:
        raise DataError(f"cannot read {path}: it has more than {most // 2**20} MB; give a smaller one")
    return data
