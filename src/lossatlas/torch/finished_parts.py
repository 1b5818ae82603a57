"""Stores the finished parts of a long computation, so that it can continue after its process was killed.

    <data>/recordings/<id>/work/<purpose>-<key>/<part>.npz

The file of a part is written under another name and then renamed, so it exists only if the part is finished. The key is
a hash of everything on which the numbers depend.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lossatlas.arrays import AnyArray
from lossatlas.store import explain_write_errors, replace_file


class FinishedParts:
    """The finished parts of one computation.

    Parameters
    ----------
    recording
        The folder of the recording.
    purpose
        What is computed, in one word.
    depends_on
        Everything on which the numbers depend, as plain JSON.
    """

    def __init__(self, recording: Path, purpose: str, depends_on: Any) -> None:
        whole = [version("lossatlas"), np.__version__, torch.__version__, depends_on]
        key = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:16]
        self._data = recording.parent.parent
        self._purpose = purpose
        self.folder = recording / "work" / f"{purpose}-{key}"

    def get(self, part: str) -> dict[str, AnyArray] | None:
        """Return the arrays of a part; None if it is not finished, or if its file is damaged or foreign."""
        try:
            with (self.folder / f"{part}.npz").open("rb") as file, np.load(file, allow_pickle=False) as found:
                return dict(found)
        except (OSError, ValueError, EOFError, KeyError):
            return None
        except Exception:  # readers of archives raise many kinds of errors for other files
            return None

    def put(self, part: str, arrays: Mapping[str, AnyArray]) -> None:
        """Store the arrays of a part."""
        with explain_write_errors(self._data):
            self.folder.mkdir(parents=True, exist_ok=True)
            with replace_file(self.folder / f"{part}.npz") as file:
                np.savez(file, allow_pickle=False, **dict(arrays))

    def starting_with(self, beginning: str) -> Iterator[dict[str, AnyArray]]:
        """Yield the arrays of each part whose name starts with some text, in the order of their names."""
        for path in sorted(self.folder.glob("*.npz")):
            if path.name.startswith(beginning) and (found := self.get(path.stem)) is not None:
                yield found

    def delete(self) -> None:
        """Delete all parts for this purpose, whose results are stored elsewhere by now, or are out of date."""
        for folder in self.folder.parent.glob(f"{self._purpose}-*"):
            shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # it is not empty
            self.folder.parent.rmdir()
