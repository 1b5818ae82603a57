"""Maps the array files of runs and recordings, and checks an array of a run against its manifest.

Headers are parsed here and not by NumPy, which evaluates them as Python literals. For malformed headers, NumPy raises
a dozen kinds of errors, and it allocates as much memory as they claim.
"""

from __future__ import annotations

import math
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from lossatlas.arrays import AnyArray
from lossatlas.errors import RunDamagedError
from lossatlas.runs.run_config import MOST_BYTES
from lossatlas.store.manifest import MAY_BE_NAN
from lossatlas.store.regular_files import open_regular

#: The files of a run, relative to its folder. A reader opens no others, whatever the manifest says.
ARRAY_FILE = re.compile(r"(planes/[a-z0-9_-]{1,200}/)?[a-z0-9_]{1,200}\.npy")
#: The part of a checksum that the name of a file has in an export.
_HASH = re.compile(r"_[0-9a-f]{16}$")
_MAGIC = b"\x93NUMPY"
#: The largest header in bytes. Those of lossatlas take 118 bytes.
_LONGEST_HEADER = 4096
_HEADER = re.compile(
    r"\{\s*'descr':\s*'(?P<dtype>[<>|=][fiub]\d{1,2})',\s*'fortran_order':\s*(?P<turned>True|False),"
    r"\s*'shape':\s*\((?P<shape>[\d, ]{0,200})\),?\s*\}\s*",
    re.ASCII,
)
_DIGITS = re.compile(r"\d{1,15}")
_CHUNK = 2**20


class _Header(NamedTuple):
    dtype: np.dtype[Any]
    turned: bool
    shape: tuple[int, ...]
    offset: int


def map_array(folder: Path, name: str) -> AnyArray:
    """Map an array into memory, read-only.

    Parameters
    ----------
    folder, name
        The folder, and the path of the file relative to it.

    Returns
    -------
    ndarray
        The array, of the shape and dtype that the file has.

    Raises
    ------
    RunDamagedError
        If there is no such file, or it holds no array.
    """
    path = folder / name
    try:
        with open_regular(folder, name) as file:
            found = _read_header(file)
            array: AnyArray = np.memmap(
                file,
                found.dtype,
                mode="r",
                offset=found.offset,
                shape=found.shape,
                order="F" if found.turned else "C",
            )
    except FileNotFoundError:
        raise RunDamagedError(path, "the file is missing") from None
    except (OSError, ValueError, TypeError, OverflowError) as error:
        raise RunDamagedError(path, f"not a NumPy array, or cut short: {error}") from None
    return array


def read_array(folder: Path, entry: dict[str, Any]) -> AnyArray:
    """Map one array of a run, and check that its entry describes it, and that it holds numbers only."""
    name, array = find_file(folder, entry), map_described_array(folder, entry)
    if array.dtype.kind == "f" and _HASH.sub("", Path(name).stem) not in MAY_BE_NAN and _holds_nan(folder, name):
        raise RunDamagedError(folder / name, "holds NaN in place of numbers")
    return array


def map_described_array(folder: Path, entry: dict[str, Any]) -> AnyArray:
    """Map one array of a run, and check that it has the dtype and the shape that its entry names."""
    name = find_file(folder, entry)
    array = map_array(folder, name)
    found, meant = (str(array.dtype), list(array.shape)), (entry["dtype"], entry["shape"])
    if found != meant:
        raise RunDamagedError(
            folder / name, f"holds {found[0]} {found[1]}, but the manifest says {meant[0]} {meant[1]}"
        )
    if array.nbytes > MOST_BYTES:
        raise RunDamagedError(folder / name, f"takes {array.nbytes:,} bytes, and {MOST_BYTES:,} are the most of a run")
    return array


def find_file(folder: Path, entry: dict[str, Any]) -> str:
    """Return the path of the file that an entry of a manifest names, relative to the folder of the run.

    Parameters
    ----------
    folder
        The folder of the run.
    entry
        The entry.

    Returns
    -------
    str
        The path.

    Raises
    ------
    RunDamagedError
        If the entry does not name an array file in the folder.
    """
    name = entry["file"]
    if not isinstance(name, str) or not ARRAY_FILE.fullmatch(name):
        raise RunDamagedError(folder / "run.json", f"names a file outside the run, or no array: {str(name)[:60]!r}")
    return name


def iterate_chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the rest of a file in pieces of a megabyte. In contrast to a mapped file, little memory is used."""
    while chunk := file.read(_CHUNK):
        yield chunk


def _read_header(file: BinaryIO) -> _Header:
    """Read the header of an array, leave the file at its first number, and check the size of the file."""
    start = file.read(8)
    if start[:6] != _MAGIC:
        raise ValueError("it does not begin as one")
    form = "<H" if start[6:7] == b"\x01" else "<I"
    (length,) = struct.unpack(form, file.read(struct.calcsize(form)).ljust(struct.calcsize(form), b"\xff"))
    if length > _LONGEST_HEADER:
        raise ValueError(f"its header takes {length:,} bytes, and {_LONGEST_HEADER:,} are the most")
    text = file.read(length).decode("latin-1")
    said = _HEADER.fullmatch(text)
    if not said:
        raise ValueError(f"its header is {text.strip()[:80]!r}")
    sizes = [part.strip() for part in said["shape"].split(",")]
    if not all(map(_DIGITS.fullmatch, filter(None, sizes))):
        raise ValueError(f"its shape is ({said['shape']})")
    header = _Header(
        np.dtype(said["dtype"]), said["turned"] == "True", tuple(map(int, filter(None, sizes))), file.tell()
    )
    meant = math.prod(header.shape) * header.dtype.itemsize
    found = os.fstat(file.fileno()).st_size - header.offset
    if found != meant:
        raise ValueError(f"it holds {found:,} bytes of numbers, and its shape means {meant:,}")
    return header


def _holds_nan(folder: Path, name: str) -> bool:
    with open_regular(folder, name) as file:
        dtype = _read_header(file).dtype
        return any(np.isnan(np.frombuffer(chunk, dtype)).any() for chunk in iterate_chunks(file))
