"""Reads a file that a person named, and refuses files that are too large."""

from __future__ import annotations

from pathlib import Path

from lossatlas.errors import DataError

#: The size in bytes of the largest file that is read.
MOST_BYTES = 256 * 2**20


def read_file(path: Path | str, most: int = MOST_BYTES) -> bytes:
    """Read all bytes of a file.

    Parameters
    ----------
    path
        The file.
    most
        The largest size that is allowed, in bytes.

    Returns
    -------
    bytes
        The content of the file.

    Raises
    ------
    DataError
        If there is no such file, it is a folder, it cannot be read, or it has more than ``most`` bytes.
    """
    if not str(path):
        raise DataError("the path is empty: give the path of a file")
    try:
        with Path(path).open("rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError) as error:  # a zero byte in the path raises ValueError
        raise DataError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > most:
        raise DataError(f"cannot read {path}: it has more than {most // 2**20} MB; give a smaller file")
    return data
