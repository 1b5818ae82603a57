"""Maps the array files of runs and recordings, and checks an array of a run against its manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lossatlas.arrays import AnyArray
from lossatlas.errors import RunDamagedError
from lossatlas.store.manifest import MAY_BE_NAN


def map_array(path: Path) -> AnyArray:
    """Map an array into memory, read-only.

    Returns
    -------
    ndarray
        The array, of the shape and dtype that the file has.

    Raises
    ------
    RunDamagedError
        If there is no such file, or it holds no array.
    """
    try:
        array: AnyArray = np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise RunDamagedError(path, "the file is missing") from None
    except (OSError, ValueError, EOFError) as error:
        raise RunDamagedError(path, f"not a NumPy array, or cut short: {error}") from None
    return array


def read_array(folder: Path, entry: dict[str, Any]) -> AnyArray:
    """Map one array of a run, and check that it has the dtype and the shape that its entry names."""
    path = folder / entry["file"]
    if not path.resolve().is_relative_to(folder.resolve()):
        raise RunDamagedError(folder / "run.json", f"names a file outside the run: {entry['file']}")
    array = map_array(path)
    found, meant = (str(array.dtype), list(array.shape)), (entry["dtype"], entry["shape"])
    if found != meant:
        raise RunDamagedError(path, f"holds {found[0]} {found[1]}, but the manifest says {meant[0]} {meant[1]}")
    if array.dtype.kind == "f" and path.stem not in MAY_BE_NAN and np.isnan(array).any():
        raise RunDamagedError(path, "holds NaN in place of numbers")
    return array
